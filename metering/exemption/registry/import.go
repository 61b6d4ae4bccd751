package registry

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/exemption/list"
	"github.com/risposta/gateway/metering/numbering"
)

// columns of a file to import. Days are whole days of the zone, both inclusive. from is required;
// until, ref and category may be empty.
var columns = []string{"number", "from", "until", "ref", "category"}

// ReadCSV reads grants to the end of the file. Its error joins a [list.BadRow] for each row that is
// wrong; then the grants must not be used.
func ReadCSV(from io.Reader, countryCode string, zone *time.Location) ([]Grant, error) {
	var grants []Grant
	reader := numbering.NewReader(countryCode)
	refs := map[string]int{} // the line of each
	_, err := list.Read(from, columns, func(row list.Row) error {
		g, err := grant(row, reader, zone)
		if err != nil {
			return err
		}
		if g.Ref != "" && refs[g.Ref] != 0 {
			return fmt.Errorf("ref: the same as in line %d", refs[g.Ref])
		}
		refs[g.Ref] = row.Line
		grants = append(grants, g)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return grants, nil
}

// ReadNumber reads a number that somebody wrote, as one of a list. Its error does not quote it.
func (r *Registry) ReadNumber(text string) (metering.Number, error) {
	return numbering.NewReader(r.conf.CountryCode).Listed(text)
}

func grant(row list.Row, reader *numbering.Reader, zone *time.Location) (g Grant, err error) {
	g = Grant{
		Line:        row.Line,
		Entitlement: Entitlement{Ref: row.Cells[3], Category: row.Cells[4]},
	}
	var errs []error
	if g.Number, err = reader.Listed(row.Cells[0]); err != nil {
		errs = append(errs, fmt.Errorf("number: %w", err))
	}
	if g.From, g.Until, err = list.Days(row.Cells[1], row.Cells[2], zone); err != nil {
		errs = append(errs, err)
	} else if g.From.IsZero() {
		errs = append(errs, errors.New("from: missing"))
	}
	if len(errs) > 0 {
		return g, errors.Join(append(errs, g.checkTexts()...)...)
	}
	return g, g.Check()
}
