package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/risposta/gateway/metering/delivery"
	"github.com/risposta/gateway/metering/tariff"
)

// types are those of the table's columns. Of JSON the text is kept as it is.
var types = map[delivery.Type]string{
	delivery.Text: "text", delivery.Number: "bigint", delivery.Flag: "boolean",
	delivery.Instant: "timestamptz", delivery.Money: "numeric", delivery.JSON: "json",
}

// createTable makes the table where there is none. A field that the configuration names later needs a
// column that the company adds.
func (d *Database) createTable() string {
	columns := make([]string, len(d.Fields))
	for i, f := range d.Fields {
		columns[i] = f.Name + " " + types[f.Type]
		if f.Name == key {
			columns[i] += " PRIMARY KEY"
		}
	}
	return "CREATE TABLE IF NOT EXISTS " + d.Table + " (" + strings.Join(columns, ", ") + ")"
}

// key is the field of which the table has one row.
const key = "record_name"

// upsert writes the rows of arrays, one for each column. An earlier version changes nothing, nor does
// the same version where the row's is erased.
func (d *Database) upsert() string {
	names := make([]string, len(d.Fields))
	arrays := make([]string, len(d.Fields))
	sets := make([]string, len(d.Fields))
	for i, f := range d.Fields {
		names[i] = f.Name
		arrays[i] = fmt.Sprintf("$%d::%s[]", i+1, types[f.Type])
		sets[i] = f.Name + " = excluded." + f.Name
	}
	return fmt.Sprintf(`INSERT INTO %s AS held (%s) SELECT * FROM unnest(%s)
		ON CONFLICT (%s) DO UPDATE SET %s WHERE excluded.version > held.version
		OR excluded.version = held.version AND (held.event = '%s' OR excluded.event = '%s')`,
		d.Table, strings.Join(names, ", "), strings.Join(arrays, ", "), key, strings.Join(sets, ", "),
		delivery.Recorded, delivery.Erased)
}

// column are the values of a field.
func column(f delivery.Field, rows []*delivery.Event) any {
	switch f.Type {
	case delivery.Number:
		return typed[int64](f, rows)
	case delivery.Flag:
		return typed[bool](f, rows)
	case delivery.Instant:
		return typed[time.Time](f, rows)
	case delivery.Text, delivery.Money, delivery.JSON:
	}
	texts := make([]*string, len(rows))
	for i, e := range rows {
		if v := f.Of(e); v != nil {
			text := delivery.Write(v)
			texts[i] = &text
		}
	}
	return texts
}

func typed[T any](f delivery.Field, rows []*delivery.Event) []*T {
	values := make([]*T, len(rows))
	for i, e := range rows {
		if v, ok := f.Of(e).(T); ok {
			values[i] = &v
		}
	}
	return values
}

// parameter is a value as a query gets it: an amount and JSON as text, which PostgreSQL casts.
func parameter(v any) any {
	switch v.(type) {
	case tariff.Amount, json.RawMessage:
		return delivery.Write(v)
	}
	return v
}

var _ delivery.Holder = (*Database)(nil)

// Replaces implements delivery.Holder.
func (d *Database) Replaces() bool { return true }

// Held implements delivery.Holder: it reads the table that the package made.
func (d *Database) Held(ctx context.Context, f func(id, digest string) error) error {
	if d.Table == "" {
		return fmt.Errorf("what a query has written is not known: give --held")
	}
	columns := make([]string, len(d.Fields))
	for i, field := range d.Fields {
		columns[i] = field.Name + "::text"
		if field.Type == delivery.Instant {
			columns[i] = `to_char(` + field.Name +
				` AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`
		}
	}
	rows, err := d.pool.Query(ctx, "SELECT "+strings.Join(columns, ", ")+" FROM "+d.Table)
	if err != nil {
		return fmt.Errorf("reading the table %s: %w", d.Table, masked(err))
	}
	cells := make([]*string, len(d.Fields))
	targets := make([]any, len(d.Fields))
	for i := range cells {
		targets[i] = &cells[i]
	}
	texts := make([]string, len(d.Fields))
	_, err = pgx.ForEachRow(rows, targets, func() error {
		for i, c := range cells {
			if texts[i] = ""; c != nil {
				texts[i] = *c
			}
		}
		return f(d.Fields.ID(texts), d.Fields.Digest(texts))
	})
	if err != nil {
		return fmt.Errorf("reading the table %s: %w", d.Table, masked(err))
	}
	return nil
}
