// Package sql asks a company's own PostgreSQL whether a caller is exempt.
//
// The query is the company's: $1 is the number (text, +390612345678), $2 the instant (timestamptz). No row means no. A row has one to three columns:
// whether the caller is exempt (boolean, NULL for unknown), an opaque reference (text), and when the same question may have another answer
// (timestamptz, NULL for never). More than one row, or anything else, is a failure.
package sql

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/exemption"
)

// Database is a Lookup over a query.
type Database struct {
	pool  *pgxpool.Pool
	query string
}

const (
	maxConns = 4
	maxRef   = 64
)

// Open takes a connection string, as libpq knows them, and the query. It connects when it is first asked.
func Open(ctx context.Context, dsn, query string) (*Database, error) {
	conf, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, errors.New("the connection string of the exemption database can't be read") // the error would quote it, password and all
	}
	conf.MaxConns = maxConns
	conf.ConnConfig.RuntimeParams["application_name"] = "risposta"
	conf.ConnConfig.RuntimeParams["default_transaction_read_only"] = "on"
	pool, err := pgxpool.NewWithConfig(ctx, conf)
	if err != nil {
		return nil, errors.New("the connection string of the exemption database can't be used")
	}
	return &Database{pool: pool, query: query}, nil
}

// Close gives the connections back.
func (d *Database) Close() { d.pool.Close() }

// Exempt implements exemption.Lookup.
func (d *Database) Exempt(ctx context.Context, number metering.Number, at time.Time) (exemption.Answer, error) {
	rows, err := d.pool.Query(ctx, d.query, number.Clear(), at)
	if err != nil {
		return exemption.Answer{}, fmt.Errorf("asking the exemption database: %w", blind(err))
	}
	defer rows.Close()
	no := exemption.Answer{Exemption: metering.Exemption{Verdict: metering.ExemptNo}}
	if !rows.Next() {
		return no, wrap(rows.Err())
	}
	a, err := scan(rows)
	if err != nil {
		return exemption.Answer{}, err
	}
	if rows.Next() {
		return exemption.Answer{}, errors.New("the query of the exemption database gives more than one row for a caller")
	}
	if err := rows.Err(); err != nil {
		return exemption.Answer{}, wrap(err)
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
		return exemption.Answer{}, fmt.Errorf("the query of the exemption database gives %d columns, want 1 to 3", n)
	}
	if err := rows.Scan(targets[:n]...); err != nil {
		return exemption.Answer{}, fmt.Errorf("the query of the exemption database gives columns of other types than boolean, text, timestamptz: %w", blind(err))
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
		if a.Ref = *ref; len(a.Ref) > maxRef {
			return exemption.Answer{}, fmt.Errorf("the exemption database's reference is longer than %d characters", maxRef)
		}
	}
	if until != nil {
		a.Until = until.UTC()
	}
	return a, nil
}

func wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("asking the exemption database: %w", blind(err))
}

// blind keeps of a database's error what names no value of the query: PostgreSQL quotes values in messages and details.
func blind(err error) error {
	var pg interface{ SQLState() string }
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &pg):
		return fmt.Errorf("SQLSTATE %s", pg.SQLState())
	}
	return errors.New("no connection")
}
