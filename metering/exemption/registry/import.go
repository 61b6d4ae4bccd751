package registry

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/risposta/gateway/metering/exemption"
	"github.com/risposta/gateway/metering/numbering"
)

// columns of a file to import. Days are whole days of the zone, both inclusive. from is required;
// until, ref and category may be empty.
var columns = []string{"number", "from", "until", "ref", "category"}

// BadRow is what is wrong with one row. It does not quote the row, which names a person.
type BadRow struct {
	Line int // from 1
	Err  error
}

func (b BadRow) Error() string { return fmt.Sprintf("line %d: %v", b.Line, b.Err) }

// MaxRows bounds one import.
const MaxRows = 5_000_000

// ReadCSV reads grants to the end of the file. Its error joins a [BadRow] for each row that is
// wrong; then the grants must not be used.
func ReadCSV(from io.Reader, countryCode string, zone *time.Location) ([]Grant, error) {
	r := csv.NewReader(from)
	r.FieldsPerRecord = -1
	head, err := r.Read()
	if err != nil || !slices.Equal(head, columns) {
		return nil, BadRow{1, fmt.Errorf("the columns must be exactly %s", strings.Join(columns, ","))}
	}
	var grants []Grant
	var bad []error
	refs := map[string]int{} // the line of each
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return grants, errors.Join(bad...)
		}
		var perr *csv.ParseError
		if errors.As(err, &perr) {
			bad = append(bad, BadRow{perr.Line, perr.Err})
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("reading the file: %w", err)
		}
		line, _ := r.FieldPos(0)
		g, err := grant(row, countryCode, zone)
		if err == nil && g.Ref != "" && refs[g.Ref] != 0 {
			err = fmt.Errorf("ref: the same as in line %d", refs[g.Ref])
		}
		if err == nil && len(grants) == MaxRows {
			err = fmt.Errorf("more than %d rows", MaxRows)
		}
		if err != nil {
			bad = append(bad, BadRow{line, oneLine(err)})
			continue
		}
		refs[g.Ref] = line
		grants = append(grants, g)
	}
}

func oneLine(err error) error { return errors.New(strings.ReplaceAll(err.Error(), "\n", "; ")) }

func grant(row []string, countryCode string, zone *time.Location) (g Grant, err error) {
	if len(row) != len(columns) {
		return g, fmt.Errorf("%d fields, want %d", len(row), len(columns))
	}
	g = Grant{Entitlement: Entitlement{Ref: row[3], Category: row[4]}}
	var errs []error
	if g.Number, err = numbering.NewReader(countryCode).Listed(row[0]); err != nil {
		return g, fmt.Errorf("number: %w", err)
	}
	if g.From, err = exemption.ParseDay(row[1], zone); err != nil {
		return g, fmt.Errorf("from: %w", err)
	}
	if row[2] != "" {
		if g.Until, err = exemption.ParseDay(row[2], zone); err != nil {
			errs = append(errs, fmt.Errorf("until: %w", err))
		} else {
			g.Until = g.Until.AddDate(0, 0, 1)
		}
	}
	return g, errors.Join(append(errs, g.Check())...)
}
