package file

import (
	"bufio"
	"encoding/csv"
	"io"
	"strings"

	"github.com/risposta/gateway/metering/delivery"
)

// writeJSON writes an object for each event, one a line.
func writeJSON(w io.Writer, fields delivery.Fields, events []delivery.Event) error {
	out := bufio.NewWriter(w)
	for i := range events {
		if _, err := out.Write(append(fields.Object(&events[i]), '\n')); err != nil {
			return err
		}
	}
	return out.Flush()
}

// writeCSV writes a head, and a row for each event. A text that a spreadsheet would take for a formula
// has an apostrophe in front; an amount never has.
func (f *Folder) writeCSV(w io.Writer, fields delivery.Fields, events []delivery.Event) error {
	rows := csv.NewWriter(w)
	rows.Comma = []rune(f.Separator)[0]
	row := make([]string, len(fields))
	for i, field := range fields {
		row[i] = field.Name
	}
	if err := rows.Write(row); err != nil {
		return err
	}
	for k := range events {
		for i, v := range fields.Values(&events[k]) {
			row[i] = f.cell(fields[i].Type, delivery.Write(v))
		}
		if err := rows.Write(row); err != nil {
			return err
		}
	}
	rows.Flush()
	return rows.Error()
}

func (f *Folder) cell(t delivery.Type, text string) string {
	switch t {
	case delivery.Money:
		return strings.Replace(text, ".", f.DecimalSign, 1)
	case delivery.Text, delivery.JSON:
		if text != "" && strings.ContainsRune(formula, rune(text[0])) {
			return "'" + text
		}
	case delivery.Number, delivery.Flag, delivery.Instant:
	}
	return text
}

// formula are the characters that make a cell a formula.
const formula = "=+-@\t\r'"

// text is what cell wrote.
func (f *Folder) text(t delivery.Type, cell string) string {
	switch t {
	case delivery.Money:
		return strings.Replace(cell, f.DecimalSign, ".", 1)
	case delivery.Text, delivery.JSON:
		return strings.TrimPrefix(cell, "'")
	case delivery.Number, delivery.Flag, delivery.Instant:
	}
	return cell
}
