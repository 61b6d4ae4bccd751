// Package list reads lists of exempt callers: CSV as programs and spreadsheets write it.
//
// In: a file whose first line names its columns. Out: its rows, each with its line. Commas,
// semicolons and tabs separate, as the first line has it; UTF-8 and UTF-16 with a byte order mark
// are read; empty rows and empty cells behind the last column are dropped. Everything else is
// refused with its cause: a list that was read wrongly charges exempt callers. No error quotes a
// cell, which may name a person.
package list

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Row is a row of a list.
type Row struct {
	Line  int      // from 1
	Cells []string // one for each column, without the spaces around it
}

// BadRow is what is wrong with one row. It does not quote the row.
type BadRow struct {
	Line int // from 1
	Err  error
}

func (b BadRow) Error() string {
	return fmt.Sprintf("line %d: %s", b.Line, strings.ReplaceAll(b.Err.Error(), "\n", "; "))
}

// Unwrap returns the cause.
func (b BadRow) Unwrap() error { return b.Err }

// MaxRows bounds a list.
const MaxRows = 5_000_000

// TotalWord is the first cell of the last line where the list ends with the count of its rows, as
// in "total,1234,,". So a half-written list is told from a whole one.
const TotalWord = "total"

// Summary is what a list says of itself.
type Summary struct {
	Rows  int
	Total bool // it ends with the count of its rows, and the count is right
}

// Read calls f with each row. An error of f, or of a row that is no row, is joined to the others as
// a [BadRow], and the reading goes on. Any other error ends it.
func Read(from io.Reader, columns []string, f func(Row) error) (s Summary, err error) {
	text, first, err := decode(from)
	if err != nil {
		return s, err
	}
	separator, err := head(first, columns)
	if err != nil {
		return s, BadRow{1, err}
	}
	r := csv.NewReader(text)
	r.Comma, r.FieldsPerRecord, r.ReuseRecord = separator, -1, true
	if _, err := r.Read(); err != nil {
		return s, BadRow{1, errors.New("the names of the columns cannot be read")}
	}
	var bad []error
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			return s, errors.Join(bad...)
		}
		var perr *csv.ParseError
		if errors.As(err, &perr) {
			bad = append(bad, BadRow{perr.Line, perr.Err})
			continue
		}
		if err != nil {
			return s, fmt.Errorf("reading the list: %w", err)
		}
		line, _ := r.FieldPos(0)
		if err := s.row(Row{line, cells}, columns, f); err != nil {
			bad = append(bad, BadRow{line, err})
		}
	}
}

// row takes one row as it stands in the file.
func (s *Summary) row(row Row, columns []string, f func(Row) error) error {
	for i, c := range row.Cells {
		if !utf8.ValidString(c) {
			return fmt.Errorf("%s: not UTF-8: save the list as \"CSV UTF-8\"", column(columns, i))
		}
		row.Cells[i] = strings.TrimSpace(c)
	}
	for len(row.Cells) > 0 && row.Cells[len(row.Cells)-1] == "" &&
		(len(row.Cells) > len(columns) || empty(row.Cells)) {
		row.Cells = row.Cells[:len(row.Cells)-1]
	}
	switch {
	case len(row.Cells) == 0:
		return nil
	case s.Total:
		return errors.New("a row after the total")
	case row.Cells[0] == TotalWord:
		return s.total(row.Cells)
	case len(row.Cells) != len(columns):
		return fmt.Errorf("%d fields, want %d", len(row.Cells), len(columns))
	case s.Rows == MaxRows:
		return fmt.Errorf("more than %d rows", MaxRows)
	}
	s.Rows++
	return f(row)
}

func (s *Summary) total(cells []string) error {
	if len(cells) < 2 {
		return errors.New("the total is missing")
	}
	n, err := strconv.Atoi(cells[1])
	if err != nil {
		return errors.New("the total is not a number of rows")
	}
	if n != s.Rows {
		return fmt.Errorf("the list has %d rows, and its total is another: it is not whole", s.Rows)
	}
	s.Total = true
	return nil
}

func empty(cells []string) bool {
	for _, c := range cells {
		if c != "" {
			return false
		}
	}
	return true
}

func column(columns []string, i int) string {
	if i < len(columns) {
		return columns[i]
	}
	return fmt.Sprintf("field %d", i+1)
}

// head finds out what separates the columns.
func head(first string, columns []string) (separator rune, err error) {
	first = strings.TrimRight(first, "\r\n")
	for _, separator := range ",;\t" {
		names := strings.Split(first, string(separator))
		for i, n := range names {
			names[i] = strings.Trim(strings.TrimSpace(n), `"`)
		}
		for len(names) > len(columns) && names[len(names)-1] == "" {
			names = names[:len(names)-1]
		}
		if slices.EqualFunc(names, columns, strings.EqualFold) {
			return separator, nil
		}
	}
	want := "the columns must be exactly " + strings.Join(columns, ",")
	switch {
	case strings.ContainsRune(first, 0):
		return 0, errors.New(want + ": the list is UTF-16 without a byte order mark, or no text; " +
			"save it as \"CSV UTF-8\"")
	case !utf8.ValidString(first):
		return 0, errors.New(want + ": the line is not UTF-8; save the list as \"CSV UTF-8\"")
	case strings.Contains(first, "\r"):
		return 0, errors.New(want + ": the lines end with CR alone; save the list as \"CSV UTF-8\"")
	case strings.HasPrefix(first, "PK\x03\x04"):
		return 0, errors.New(want + ": this is a workbook; save it as \"CSV UTF-8\"")
	}
	return 0, errors.New(want + " (or with semicolons, or with tabs)")
}

// maxHead bounds the first line, in bytes.
const maxHead = 4096

// decode gives the text of a list as UTF-8 without a byte order mark, and its first line.
func decode(from io.Reader) (text *bufio.Reader, first string, err error) {
	raw := bufio.NewReaderSize(from, 1<<16)
	mark, err := raw.Peek(3)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, "", fmt.Errorf("reading the list: %w", err)
	}
	switch {
	case bytes.HasPrefix(mark, []byte("\xef\xbb\xbf")):
		_, err = raw.Discard(3)
		text = raw
	case bytes.HasPrefix(mark, []byte("\xff\xfe")), bytes.HasPrefix(mark, []byte("\xfe\xff")):
		_, err = raw.Discard(2)
		text = bufio.NewReaderSize(&utf16Reader{from: raw, big: mark[0] == 0xfe}, 1<<16)
	default:
		text, err = raw, nil
	}
	if err != nil {
		return nil, "", fmt.Errorf("reading the list: %w", err)
	}
	peeked, err := text.Peek(maxHead)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
		return nil, "", fmt.Errorf("reading the list: %w", err)
	}
	line, _, _ := bytes.Cut(peeked, []byte("\n"))
	return text, string(line), nil
}

// Days reads the first and the last day of a row, by their columns from and until: until becomes
// the first instant after the last day. An empty cell gives the zero time.
func Days(from, until string, zone *time.Location) (start, end time.Time, err error) {
	if start, err = day("from", from, zone); err != nil {
		return start, end, err
	}
	if end, err = day("until", until, zone); err != nil || end.IsZero() {
		return start, end, err
	}
	if end.Before(start) {
		return start, end, errors.New("until: before from")
	}
	return start, end.AddDate(0, 0, 1), nil
}

func day(column, text string, zone *time.Location) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.ParseInLocation(time.DateOnly, text, zone)
	if err != nil {
		return t, errors.New(column + ": not a day such as 2026-01-31")
	}
	return t, nil
}
