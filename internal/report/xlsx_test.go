package report

import (
	"bytes"
	"strconv"
	"testing"

	"github.com/xuri/excelize/v2"
)

func workbook(t *testing.T, r Report) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := r.WriteXLSX(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Each cell of the workbook is the one of the CSV: a number where it is one, never a formula.
func TestWorkbookHasTheRowsOfTheCSV(t *testing.T) {
	rows := sample()
	rows[1].Service = "=1+1" // some services are called what a spreadsheet computes
	r := built(t, rows, "")
	text := workbook(t, r)
	book, err := excelize.OpenReader(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := book.Close(); err != nil {
			t.Error(err)
		}
	}()
	numbers, formulas := 0, 0
	for i, row := range r.rows() {
		for j, want := range row {
			cell, err := excelize.CoordinatesToCellName(j+1, i+1)
			if err != nil {
				t.Fatal(err)
			}
			have, err := book.GetCellValue(sheet, cell, excelize.Options{RawCellValue: true})
			if err != nil {
				t.Fatal(err)
			}
			kind, err := book.GetCellType(sheet, cell)
			if err != nil {
				t.Fatal(err)
			}
			if f, err := book.GetCellFormula(sheet, cell); err != nil || f != "" {
				formulas++
			}
			if a, err := strconv.ParseFloat(have, 64); err == nil && kind == excelize.CellTypeUnset {
				numbers++
				if b, err := strconv.ParseFloat(want, 64); err != nil || a != b {
					t.Errorf("%s is the number %s, want %q", cell, have, want)
				}
			} else if have != want {
				t.Errorf("%s is %q, want %q", cell, have, want)
			}
		}
	}
	if numbers < 100 || formulas > 0 {
		t.Errorf("%d numbers, %d formulas", numbers, formulas)
	}
	if !bytes.Equal(text, workbook(t, r)) {
		t.Error("the same report gives other bytes")
	}
}
