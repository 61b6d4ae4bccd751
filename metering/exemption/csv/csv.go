// Package csv answers exemption lookups from a CSV file that somebody else keeps.
//
// The file's first line names its columns: number, from, until, ref. Dates are days (2026-01-31, in UTC), both inclusive and
// each may be empty; ref is an opaque reference of the entitlement. Any other column is refused, so that nobody leaves the
// reason of an exemption in it. A changed file is read again at the next lookup; if it can't be, lookups fail (and the
// callers go free) until it can.
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
)

// File is a Lookup over one file.
type File struct {
	path    string
	country string

	mu     sync.Mutex
	stamp  stamp
	rows   map[string][]entitlement
	broken error // why the present file can't be read
}

type stamp struct {
	modified time.Time
	size     int64
}

type entitlement struct {
	from, until time.Time // until: the first instant after it; zero: for ever
	ref         string
}

// Open reads the file. Numbers in national form are taken as of the country code ("39"), as the callers' are.
func Open(path, countryCode string) (*File, error) {
	f := &File{path: path, country: countryCode}
	if err := f.refresh(); err != nil {
		return nil, err
	}
	return f, nil
}

// Exempt implements exemption.Lookup.
func (f *File) Exempt(_ context.Context, number metering.Number, at time.Time) (exemption.Answer, error) {
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
			return exemption.Answer{Exemption: metering.Exemption{Verdict: metering.ExemptYes, Ref: e.ref}, Until: e.until}, nil
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
		return fmt.Errorf("looking at the exemption file: %w", err)
	}
	now := stamp{info.ModTime(), info.Size()}
	if now == f.stamp {
		return f.broken
	}
	f.stamp = now
	f.rows, f.broken = f.read()
	return f.broken
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
		return nil, fmt.Errorf("%s:1: the columns must be exactly %s", f.path, strings.Join(columns, ","))
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
		rows[number.Clear()] = append(rows[number.Clear()], e)
	}
}

func parse(row []string, country string) (n metering.Number, e entitlement, err error) {
	if n = metering.NewNumber(row[0], country); n.Withheld() {
		return n, e, errors.New("number: not a telephone number")
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

func day(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is not a day such as 2026-01-31", s)
	}
	return t, nil
}
