// Package csv answers exemption lookups from a list that another program writes.
//
// In: a number and an instant. Out: an [exemption.Answer]. The columns are number, from, until, ref;
// package list says which files can be read. Days are inclusive, and each may be empty. ref is an
// opaque reference ([exemption.IsRef]). Any other column is an error, so that the file cannot say why
// somebody is exempt. No error quotes a cell.
//
// A changed file is read at the next lookup, once it is whole: it ends with the count of its rows, or
// has stood still. Until then, and while it cannot be read, whom the former rows have is exempt, and
// everybody else is unknown: the new rows may have them.
package csv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/exemption"
	"github.com/risposta/gateway/metering/exemption/list"
	"github.com/risposta/gateway/metering/numbering"
)

// StandStill is how long a list without a total has to stay as it is before it is read. A program
// that writes it pauses for less.
const StandStill = 5 * time.Second

// File is a lookup in one file.
type File struct {
	path   string
	reader *numbering.Reader
	zone   *time.Location

	mu      sync.Mutex
	seen    os.FileInfo // the file as it was last seen
	since   time.Time   // when it was first seen so
	rows    map[string][]entitlement
	problem error // why the rows are not those of the file as it was seen
}

type entitlement struct {
	from, until time.Time // until: the first instant after it; zero: no end
	ref         string
}

// errMoving means that a list may be half-written.
var errMoving = fmt.Errorf("it has changed less than %s ago and does not end with its count, "+
	`as in "total,1234,,": it is read when it has stood still`, StandStill)

// Open reads the file, for which it waits up to [StandStill]. A number in national form is read as
// one of the country code ("39"); days are those of the zone.
func Open(
	ctx context.Context, path, countryCode string, zone *time.Location,
) (*File, error) {
	f := &File{path: path, reader: numbering.NewReader(countryCode), zone: zone}
	err := f.refresh()
	if errors.Is(err, errMoving) {
		select {
		case <-time.After(time.Until(f.stillAt())):
		case <-ctx.Done():
		}
		err = f.refresh()
	}
	if err != nil && !errors.Is(err, errMoving) { // it is read later
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
	err := f.refresh()
	a := exemption.Answer{Exemption: metering.Exemption{Verdict: metering.ExemptNo}}
	for _, e := range f.rows[number.Clear()] {
		if !at.Before(e.from) && (e.until.IsZero() || at.Before(e.until)) {
			yes := metering.Exemption{Verdict: metering.ExemptYes, Ref: e.ref}
			return exemption.Answer{Exemption: yes, Until: e.until}, nil
		}
		if at.Before(e.from) && (a.Until.IsZero() || e.from.Before(a.Until)) {
			a.Until = e.from
		}
	}
	if err != nil {
		return exemption.Answer{}, err
	}
	return a, nil
}

// refresh reads the file again where it has changed and is whole.
func (f *File) refresh() error {
	info, err := os.Stat(f.path)
	if err != nil {
		f.seen = nil
		return fmt.Errorf("reading the exemption list: %w", err)
	}
	if !unchanged(f.seen, info) {
		f.seen, f.since = info, time.Now()
		f.problem = f.read()
	}
	if errors.Is(f.problem, errMoving) && !time.Now().Before(f.stillAt()) {
		f.problem = f.read()
	}
	return f.problem
}

// stillAt is when the file, as it was seen, will have stood still.
func (f *File) stillAt() time.Time {
	since := f.since
	if modified := f.seen.ModTime(); modified.Before(since) {
		since = modified
	}
	return since.Add(StandStill)
}

func unchanged(a, b os.FileInfo) bool {
	return a != nil && os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

var columns = []string{"number", "from", "until", "ref"}

// read takes over the rows of the file, if it is whole.
func (f *File) read() (err error) {
	file, err := os.Open(f.path)
	if err != nil {
		return fmt.Errorf("opening the exemption list: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	rows := map[string][]entitlement{}
	summary, err := list.Read(file, columns, func(row list.Row) error {
		number, e, err := f.parse(row)
		for _, n := range number.Readings() {
			rows[n.Clear()] = append(rows[n.Clear()], e)
		}
		return err
	})
	after, serr := file.Stat()
	if serr != nil {
		return fmt.Errorf("reading the state of the exemption list: %w", serr)
	}
	still := unchanged(f.seen, after)
	switch whole := still && !time.Now().Before(f.stillAt()); {
	case !still, !whole && !summary.Total:
		return fmt.Errorf("%s: %w", f.path, errMoving)
	case err != nil:
		return fmt.Errorf("%s:%w", f.path, firstOf(err))
	}
	f.rows = rows
	return nil
}

// firstOf is the first of the rows that are wrong, as in "2: number: ...".
func firstOf(err error) error {
	var bad list.BadRow
	if errors.As(err, &bad) {
		return errors.New(strings.TrimPrefix(bad.Error(), "line "))
	}
	return err
}

func (f *File) parse(row list.Row) (n metering.Number, e entitlement, err error) {
	if n, err = f.reader.Listed(row.Cells[0]); err != nil {
		return n, e, fmt.Errorf("number: %w", err)
	}
	if e.from, e.until, err = list.Days(row.Cells[1], row.Cells[2], f.zone); err != nil {
		return n, e, err
	}
	if e.ref = row.Cells[3]; !exemption.IsRef(e.ref) {
		return n, e, errors.New("ref: not " + exemption.RefForm)
	}
	return n, e, nil
}
