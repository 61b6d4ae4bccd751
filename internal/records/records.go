// Package records writes records of the ledger for people and for other programs.
//
// In: the JSON of one [metering.Record] after the other, as the ledger keeps it. Out: JSON, one
// record a line, or CSV with the same names. It is a package of its own because a form of many
// records belongs neither to the meter, which makes one, nor to internal/timeline, which explains
// one. It opens no ledger and chooses no record.
package records

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/tariff"
)

// Writer writes records in one form.
type Writer interface {
	// Write adds one record: its JSON, without a newline at its end.
	Write(record []byte) error
	// Flush must be called after the last record, also where there was none.
	Flush() error
}

// NewJSON writes one record a line, its bytes as they are in the ledger.
func NewJSON(w io.Writer) Writer { return jsonWriter{bufio.NewWriter(w)} }

type jsonWriter struct{ *bufio.Writer }

func (w jsonWriter) Write(record []byte) error {
	_, err := fmt.Fprintf(w.Writer, "%s\n", record)
	return err
}

// NewCSV writes a head and one row a record. The columns are named as the fields of the record; a
// dot leads into an object. A cell of queues, talk, announcement or survey is JSON; numbers and
// reasons are separated by spaces. A cell that begins with =, +, - or @ gets an apostrophe in front.
func NewCSV(w io.Writer) Writer { return &csvWriter{rows: csv.NewWriter(w)} }

type csvWriter struct {
	rows   *csv.Writer
	headed bool
}

func (w *csvWriter) head() error {
	if w.headed {
		return nil
	}
	w.headed = true
	return w.rows.Write(csvColumns)
}

func (w *csvWriter) Write(record []byte) error {
	row, err := csvRow(record)
	if err != nil {
		return err
	}
	if err := w.head(); err != nil {
		return err
	}
	for i, cell := range row {
		row[i] = Harmless(cell)
	}
	return w.rows.Write(row)
}

// Harmless puts an apostrophe before a cell that a spreadsheet would take for a formula.
func Harmless(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}

func (w *csvWriter) Flush() error {
	if err := w.head(); err != nil {
		return err
	}
	w.rows.Flush()
	return w.rows.Error()
}

var csvColumns = []string{
	"record", "version", "node", "call", "service", "caller", "caller_also", "caller_unread", "trunk",
	"attestation", "arrived_at", "ended_at", "outcome", "state", "queues", "talk", "waited_ms", "held_ms",
	"unseen_ms", "talk_ms", "billable_seconds",
	"exempt", "exemption_ref", "tariff", "policy", "numbers", "announcement", "survey",
	"charge.amount", "charge.currency", "reasons", "evidence.events", "evidence.digest",
	"net.amount", "tax.amount", "tax_percent", "outside_hours", "choice", "chosen_at",
}

// taxed is an amount of a record whose tariff names a tax, and empty in others.
func taxed(r metering.Record, a tariff.Amount) string {
	if r.TaxPercent == "" {
		return ""
	}
	return a.String()
}

// csvRow has a cell for each of csvColumns.
func csvRow(record []byte) ([]string, error) {
	var r metering.Record
	if err := json.Unmarshal(record, &r); err != nil {
		return nil, fmt.Errorf("reading a record: %w", err)
	}
	var raw struct{ Queues, Talk, Announcement, Survey json.RawMessage }
	if err := json.Unmarshal(record, &raw); err != nil {
		return nil, fmt.Errorf("reading record %s: %w", r.Record, err)
	}
	reasons := make([]string, len(r.Reasons))
	for i, reason := range r.Reasons {
		reasons[i] = string(reason)
	}
	chosen := ""
	if !r.ChosenAt.IsZero() {
		chosen = r.ChosenAt.String()
	}
	n := func(v int64) string { return strconv.FormatInt(v, 10) }
	return []string{
		r.Record, strconv.Itoa(r.Version), r.Node, string(r.Call), r.Service, r.Caller,
		strings.Join(r.CallerAlso, " "), strconv.FormatBool(r.CallerUnread), r.Trunk,
		string(r.Attestation), r.ArrivedAt.String(), r.EndedAt.String(), string(r.Outcome), r.State,
		string(raw.Queues), string(raw.Talk),
		n(r.WaitedMs), n(r.HeldMs), n(r.UnseenMs), n(r.TalkMs), n(r.BillableSeconds),
		strconv.FormatBool(r.Exempt), r.ExemptionRef, r.Tariff, r.Policy,
		strings.Join(r.Numbers, " "), string(raw.Announcement), string(raw.Survey),
		r.Charge.String(), r.Charge.Currency, strings.Join(reasons, " "),
		strconv.Itoa(r.Evidence.Events), r.Evidence.Digest,
		taxed(r, r.Net), taxed(r, r.Tax), r.TaxPercent,
		strconv.FormatBool(r.OutsideHours), r.Choice, chosen,
	}, nil
}
