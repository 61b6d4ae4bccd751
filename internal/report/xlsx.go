package report

import (
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/xuri/excelize/v2"
)

// numeric are the columns of the table that hold numbers.
var numeric = map[string]bool{
	"version": true, "low": true, "high": true, "n": true, "of": true, "interval_low": true,
	"interval_high": true, "limit": true,
}

const sheet = "report"

// WriteXLSX writes the rows of the CSV as a workbook of one sheet. Numbers are numbers; everything
// else is text, and nothing is a formula. The same report gives the same bytes.
func (r Report) WriteXLSX(w io.Writer) (err error) {
	book := excelize.NewFile()
	defer func() {
		if closed := book.Close(); err == nil {
			err = closed
		}
	}()
	if err := book.SetSheetName(book.GetSheetName(0), sheet); err != nil {
		return fmt.Errorf("writing the workbook: %w", err)
	}
	rows := r.rows()
	for i, row := range rows {
		for j, text := range row {
			if text == "" {
				continue
			}
			if err := writeCell(book, i+1, j+1, text, i > 0 && numeric[rows[0][j]]); err != nil {
				return fmt.Errorf("writing row %d of the workbook: %w", i+1, err)
			}
		}
	}
	if err := layOut(book, len(rows[0])); err != nil {
		return fmt.Errorf("writing the workbook: %w", err)
	}
	top := &excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}
	if err := book.SetPanes(sheet, top); err != nil {
		return fmt.Errorf("writing the workbook: %w", err)
	}
	if err := book.Write(w); err != nil {
		return fmt.Errorf("writing the workbook: %w", err)
	}
	return nil
}

// layOut makes the head bold, and the columns as wide as most of what is in them.
func layOut(book *excelize.File, columns int) error {
	bold, err := book.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true}})
	if err != nil {
		return err
	}
	last, err := excelize.ColumnNumberToName(columns)
	if err != nil {
		return err
	}
	const part, figure = "D", "E"
	return errors.Join(book.SetRowStyle(sheet, 1, 1, bold), book.SetColWidth(sheet, "A", last, 13),
		book.SetColWidth(sheet, part, figure, 34))
}

func writeCell(book *excelize.File, row, column int, text string, number bool) error {
	cell, err := excelize.CoordinatesToCellName(column, row)
	if err != nil {
		return err
	}
	if number {
		if x, err := strconv.ParseFloat(text, 64); err == nil {
			return book.SetCellFloat(sheet, cell, x, -1, 64)
		}
	}
	return book.SetCellStr(sheet, cell, text)
}
