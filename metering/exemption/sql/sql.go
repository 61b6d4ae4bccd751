// Package sql asks a company's own PostgreSQL whether a caller is exempt.
//
// In: a number and an instant. Out: an [exemption.Answer]. The query is the company's: $1 is the
// number (text, +390612345678), $2 the instant (timestamptz). No row means no. A row has one to
// three columns: whether the caller is exempt (boolean, NULL for unknown), an opaque reference
// ([exemption.IsRef]), and when the same question may have another answer (timestamptz, NULL where it
// is not known). More than one row, or other columns, are an error. The package never writes, and never quotes a value
// of the query in an error.
package sql

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/risposta/gateway/internal/postgresdsn"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/exemption"
)

// Database is a lookup by a query.
type Database struct {
	pool  *pgxpool.Pool
	query string
}

const maxConns = 4

// Open takes a connection string in libpq's form, and the query. To another machine it must have
// sslmode=verify-full. It connects with the first question.
func Open(ctx context.Context, dsn, query string) (*Database, error) {
	conf, err := postgresdsn.Parse(dsn)
	if err != nil {
		return nil, fmt.Errorf("opening the exemption database: %w", err)
	}
	conf.MaxConns = maxConns
	conf.ConnConfig.RuntimeParams["application_name"] = "risposta"
	conf.ConnConfig.RuntimeParams["default_transaction_read_only"] = "on"
	pool, err := pgxpool.NewWithConfig(ctx, conf)
	if err != nil {
		return nil, errors.New("the connection string of the exemption database cannot be used")
	}
	return &Database{pool: pool, query: query}, nil
}

// Close closes the connections.
func (d *Database) Close() { d.pool.Close() }

// Exempt implements [exemption.Lookup].
func (d *Database) Exempt(
	ctx context.Context, number metering.Number, at time.Time,
) (exemption.Answer, error) {
	rows, err := d.pool.Query(ctx, d.query, number.Clear(), at)
	if err != nil {
		return exemption.Answer{}, asking(err)
	}
	defer rows.Close()
	if !rows.Next() {
		no := exemption.Answer{Exemption: metering.Exemption{Verdict: metering.ExemptNo}}
		return no, asking(rows.Err())
	}
	a, err := scan(rows)
	if err != nil {
		return exemption.Answer{}, err
	}
	if rows.Next() {
		return exemption.Answer{}, errors.New("the query of the exemption database gives more than one " +
			"row for a caller")
	}
	if err := rows.Err(); err != nil {
		return exemption.Answer{}, asking(err)
	}
	return a, nil
}

func scan(rows pgx.Rows) (exemption.Answer, error) {
	var exempt *bool
	var ref *string
	var until *time.Time
	targets := []any{&exempt, &ref, &until}
	n := len(rows.FieldDescriptions())
	if n < 1 || n > len(targets) {
		return exemption.Answer{}, fmt.Errorf("the query of the exemption database gives %d columns, "+
			"want 1 to 3", n)
	}
	if err := rows.Scan(targets[:n]...); err != nil {
		// err may quote the value that it could not read.
		return exemption.Answer{}, errors.New("the columns of the exemption database's query are not " +
			"boolean, text, timestamptz")
	}
	a := exemption.Answer{}
	switch {
	case exempt == nil:
	case *exempt:
		a.Verdict = metering.ExemptYes
	default:
		a.Verdict = metering.ExemptNo
	}
	if ref != nil {
		if a.Ref = *ref; !exemption.IsRef(a.Ref) {
			return exemption.Answer{}, errors.New("a reference of the exemption database is not opaque: " +
				"it must have " + exemption.RefForm)
		}
	}
	if until != nil {
		a.Until = until.UTC()
	}
	return a, nil
}

func asking(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("asking the exemption database: %w", redact(err))
}

// redact keeps the part of a database's error that quotes no value of the query. PostgreSQL quotes
// values in messages and details.
func redact(err error) error {
	var pg interface{ SQLState() string }
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &pg):
		return fmt.Errorf("SQLSTATE %s", pg.SQLState())
	}
	return errors.New("no connection")
}
