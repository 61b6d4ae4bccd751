package file

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/risposta/gateway/metering/delivery"
	"github.com/risposta/gateway/metering/tariff"
)

// The decimals of amounts in Parquet, where a column has one number of them: enough for every
// currency. 18 digits are what 64 bits hold.
const (
	moneyDigits = 18
	moneyScale  = 3
)

// schema is that of the fields. Parquet orders columns by their names. Any may be null.
func schema(fields delivery.Fields) *parquet.Schema {
	group := parquet.Group{}
	for _, f := range fields {
		var node parquet.Node
		switch f.Type {
		case delivery.Text:
			node = parquet.String()
		case delivery.Number:
			node = parquet.Int(64)
		case delivery.Flag:
			node = parquet.Leaf(parquet.BooleanType)
		case delivery.Instant:
			node = parquet.Timestamp(parquet.Millisecond)
		case delivery.Money:
			node = parquet.Decimal(moneyScale, moneyDigits, parquet.Int64Type)
		case delivery.JSON:
			node = parquet.JSON()
		}
		group[f.Name] = parquet.Optional(parquet.Compressed(node, &parquet.Zstd))
	}
	return parquet.NewSchema("risposta", group)
}

// writeParquet writes one row group.
func writeParquet(w io.Writer, fields delivery.Fields, events []delivery.Event) error {
	s := schema(fields)
	columns := map[string]int{}
	for i, path := range s.Columns() {
		columns[path[0]] = i
	}
	rows := make([]parquet.Row, len(events))
	for k := range events {
		row := make(parquet.Row, len(fields))
		for i, v := range fields.Values(&events[k]) {
			column := columns[fields[i].Name]
			row[column] = level(value(v), column)
		}
		rows[k] = row
	}
	out := parquet.NewGenericWriter[any](w, s, parquet.CreatedBy("risposta", "", ""))
	if _, err := out.WriteRows(rows); err != nil {
		return fmt.Errorf("writing rows: %w", err)
	}
	return out.Close()
}

// level puts a value into its column: with a definition level of 0 it is null.
func level(v parquet.Value, column int) parquet.Value {
	defined := 1
	if v.IsNull() {
		defined = 0
	}
	return v.Level(0, defined, column)
}

func value(v any) parquet.Value {
	switch v := v.(type) {
	case string:
		return parquet.ValueOf(v)
	case int64:
		return parquet.ValueOf(v)
	case bool:
		return parquet.ValueOf(v)
	case time.Time:
		return parquet.ValueOf(v.UnixMilli())
	case json.RawMessage:
		return parquet.ValueOf(string(v))
	case tariff.Amount:
		minor := v.Minor
		for range moneyScale - v.Digits {
			minor *= 10
		}
		return parquet.ValueOf(minor)
	}
	return parquet.NullValue()
}
