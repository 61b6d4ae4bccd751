// Package csv answers exemption lookups from a CSV file that another system keeps.
//
// In: a number and an instant. Out: an [exemption.Answer]. The first line of the file names its
// columns: number, from, until, ref. Dates are days (2026-01-31, in UTC), both inclusive, and each
// may be empty. ref is an opaque reference of the entitlement. Any other column is an error, so
// that the file cannot say why somebody is exempt. A changed file is read again at the next lookup.
// While it cannot be read, lookups fail and the callers go free. No error quotes a number.
package csv

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/exemption"
	"github.com/risposta/gateway/metering/numbering"
)

// File is a lookup in one file.
type File struct {
	path    string
	country string

	mu      sync.Mutex
	state   fileState
	rows    map[string][]entitlement
	problem error // why the file cannot be read in its present state
}

// fileState tells whether the file has changed.
type fileState struct {
	modified time.Time
	size     int64
}

type entitlement struct {
	from, until time.Time // until: the first instant after it; zero: no end
	ref         string
}

// Open reads the file. A number in national form gets the country code ("39"), as a caller's does.
func Open(path, countryCode string) (*File, error) {
	f := &File{path: path, country: countryCode}
	if err := f.refresh(); err != nil {
		return nil, err
	}
	return f, nil
}

// Exempt implements [exemption.Lookup].
func (f *File) Exempt(
	_ context.Context, number metering.Number, at time.Time,
) (exemption.Answer, error) {
	if number.Withheld() {
		return exemption.Answer{}, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.refresh(); err != nil {
		return exemption.Answer{}, err
	}
	no := exemption.Answer{Exemption: metering.Exemption{Verdict: metering.ExemptNo}}
	for _, e := range f.rows[number.Clear()] {
		if !at.Before(e.from) && (e.until.IsZero() || at.Before(e.until)) {
			yes := metering.Exemption{Verdict: metering.ExemptYes, Ref: e.ref}
			return exemption.Answer{Exemption: yes, Until: e.until}, nil
		}
		if at.Before(e.from) && (no.Until.IsZero() || e.from.Before(no.Until)) {
			no.Until = e.from
		}
	}
	return no, nil
}

func (f *File) refresh() error {
	info, err := os.Stat(f.path)
	if err != nil {
		return fmt.Errorf("reading the state of the exemption file: %w", err)
	}
	now := fileState{info.ModTime(), info.Size()}
	if now == f.state {
		return f.problem
	}
	f.state = now
	f.rows, f.problem = f.read()
	return f.problem
}

var columns = []string{"number", "from", "until", "ref"}

func (f *File) read() (rows map[string][]entitlement, err error) {
	file, err := os.Open(f.path)
	if err != nil {
		return nil, fmt.Errorf("opening the exemption file: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	r := csv.NewReader(file)
	head, err := r.Read()
	if err != nil || !slices.Equal(head, columns) {
		return nil, fmt.Errorf("%s:1: the columns must be exactly %s", f.path,
			strings.Join(columns, ","))
	}
	rows = map[string][]entitlement{}
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		line, _ := r.FieldPos(0)
		var perr *csv.ParseError
		if errors.As(err, &perr) {
			return nil, fmt.Errorf("%s:%d: %w", f.path, perr.Line, perr.Err)
		}
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", f.path, err)
		}
		number, e, err := parse(row, f.country)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", f.path, line, err)
		}
		for _, reading := range number.Readings() {
			rows[reading.Clear()] = append(rows[reading.Clear()], e)
		}
	}
}

func parse(row []string, country string) (n metering.Number, e entitlement, err error) {
	if n, err = numbering.NewReader(country).Listed(row[0]); err != nil {
		return n, e, fmt.Errorf("number: %w", err)
	}
	if e.from, err = day(row[1]); err != nil {
		return n, e, fmt.Errorf("from: %w", err)
	}
	if e.until, err = day(row[2]); err != nil {
		return n, e, fmt.Errorf("until: %w", err)
	}
	if !e.until.IsZero() {
		if e.until.Before(e.from) {
			return n, e, errors.New("until: before from")
		}
		e.until = e.until.AddDate(0, 0, 1)
	}
	e.ref = row[3]
	return n, e, nil
}

func day(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	return exemption.ParseDay(text, time.UTC)
}
