// Package postgres delivers events into a PostgreSQL.
//
// In: batches. Out: a row for each call, in a table that the package makes, where a later version takes
// the place of an earlier one and never the reverse; or what a query of the company's does with each
// event. A batch is one transaction. Where the database refuses a row, the batch is written row by row,
// and the refused rows are left out. The package reads no other table, and quotes no value in an
// error.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/risposta/gateway/internal/postgresdsn"
	"github.com/risposta/gateway/metering/delivery"
)

// Config is where events go.
type Config struct {
	DSN    string // in libpq's form; to another machine it must have sslmode=verify-full
	Table  string // to make, and to write to
	Query  string // in place of Table: a statement with the fields as parameters, such as @record
	Fields delivery.Fields
}

// Database is a sink.
type Database struct {
	Config
	pool *pgxpool.Pool
	made bool // the table is there
}

var _ delivery.Sink = (*Database)(nil)

// tableName is that of a table, with or without its schema.
var tableName = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}(\.[a-z_][a-z0-9_]{0,62})?$`)

// maxConns is one for the deliveries, and one for who compares.
const maxConns = 2

// Open checks the configuration. It connects with the first batch.
func Open(ctx context.Context, c Config) (*Database, error) {
	if (c.Table == "") == (c.Query == "") {
		return nil, errors.New("table: give a table or a query, and not both")
	}
	if c.Table != "" && !tableName.MatchString(c.Table) {
		return nil, errors.New("table: it is no name such as risposta_calls, of small letters, digits " +
			"and underscores")
	}
	conf, err := postgresdsn.Parse(c.DSN)
	if err != nil {
		return nil, fmt.Errorf("dsn: %w", err)
	}
	conf.MaxConns = maxConns
	conf.ConnConfig.RuntimeParams["application_name"] = "risposta"
	pool, err := pgxpool.NewWithConfig(ctx, conf)
	if err != nil {
		return nil, errors.New("dsn: the connection string cannot be used")
	}
	return &Database{Config: c, pool: pool}, nil
}

// Close implements delivery.Sink.
func (d *Database) Close() { d.pool.Close() }

// Deliver implements delivery.Sink.
func (d *Database) Deliver(
	ctx context.Context, b delivery.Batch,
) (done int, refused []delivery.Refusal, err error) {
	if d.Table != "" && !d.made {
		if _, err := d.pool.Exec(ctx, d.createTable()); err != nil {
			return 0, nil, fmt.Errorf("making the table %s: %w", d.Table, masked(err))
		}
		d.made = true
	}
	err = pgx.BeginFunc(ctx, d.pool, func(tx pgx.Tx) error { return d.write(ctx, tx, b.Events) })
	if err == nil {
		return len(b.Events), nil, nil
	}
	if !isRefusal(err) {
		return 0, nil, fmt.Errorf("writing %d events: %w", len(b.Events), masked(err))
	}
	for i := range b.Events {
		err := pgx.BeginFunc(ctx, d.pool, func(tx pgx.Tx) error {
			return d.write(ctx, tx, b.Events[i:i+1])
		})
		switch {
		case err == nil:
		case isRefusal(err):
			refused = append(refused, delivery.Refusal{Index: i, Why: masked(err).Error()})
		default:
			return i, refused, fmt.Errorf("writing an event: %w", masked(err))
		}
	}
	return len(b.Events), refused, nil
}

// isRefusal reports whether the database refuses what a row has: data that it cannot hold (class 22)
// or a constraint that it breaks (class 23). All else may pass: a table that is missing, a disk that is
// full, a connection that is gone.
func isRefusal(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (strings.HasPrefix(pg.Code, "22") || strings.HasPrefix(pg.Code, "23"))
}

// masked is an error without the values that PostgreSQL may quote.
func masked(err error) error {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		text := "SQLSTATE " + pg.Code
		if pg.ConstraintName != "" {
			text += ", constraint " + pg.ConstraintName
		}
		return errors.New(text)
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return errors.New("the database cannot be reached") // the error quotes user and host
	}
	return err
}

// write writes events in their order.
func (d *Database) write(ctx context.Context, tx pgx.Tx, events []delivery.Event) error {
	if d.Query != "" {
		return d.runQuery(ctx, tx, events)
	}
	rows := newest(events)
	args := make([]any, len(d.Fields))
	for i, f := range d.Fields {
		args[i] = column(f, rows)
	}
	_, err := tx.Exec(ctx, d.upsert(), args...)
	return err
}

// newest are the events without those that a later one of the same call replaces: one statement may
// change a row once.
func newest(events []delivery.Event) []*delivery.Event {
	last := make(map[string]int, len(events))
	for i := range events {
		name := events[i].RecordName()
		if had, ok := last[name]; !ok || events[i].Record.Version >= events[had].Record.Version {
			last[name] = i
		}
	}
	rows := make([]*delivery.Event, 0, len(last))
	for i := range events {
		if last[events[i].RecordName()] == i {
			rows = append(rows, &events[i])
		}
	}
	return rows
}

// runQuery runs the company's query with each event.
func (d *Database) runQuery(ctx context.Context, tx pgx.Tx, events []delivery.Event) error {
	batch := &pgx.Batch{}
	for i := range events {
		args := pgx.NamedArgs{}
		for k, v := range d.Fields.Values(&events[i]) {
			args[d.Fields[k].Name] = parameter(v)
		}
		batch.Queue(d.Query, args)
	}
	return tx.SendBatch(ctx, batch).Close()
}
