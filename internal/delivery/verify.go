package delivery

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/risposta/gateway/metering/delivery"
	"github.com/risposta/gateway/metering/ledger"
)

// Comparison is what the other side has, against the ledger.
type Comparison struct {
	Events  int // that the other side is to have
	Held    int // that it has, each counted once
	Repeats int // it has more than once
	Letters int // dead letters, which it need not have
	Missing []string
	Unknown []string // the ledger knows no such event, or it was not delivered yet
	Other   []string // its values are others than the ledger's
}

// OK reports whether the other side has exactly what it is to have.
func (c Comparison) OK() bool { return len(c.Missing)+len(c.Unknown)+len(c.Other) == 0 }

// held calls f with what the other side has: see [delivery.Holder].
type held func(ctx context.Context, f func(id, digest string) error) error

// verifyPage bounds how many leaves are read at once.
const verifyPage = 1000

// Verify compares what a sink has with what each log of the ledger has committed up to the sink's
// cursor in it. Of a record whose detail is erased, what a sink without replacement has from before is
// not compared, but counted. replaces: later versions take the place of earlier ones.
func Verify(
	ctx context.Context, logs []Log, sink string, fields delivery.Fields, has held, replaces bool,
) (c Comparison, err error) {
	due, optional := map[string]string{}, map[string]bool{}
	for _, log := range logs {
		one, err := owed(ctx, log.Store, sink, fields, replaces)
		if err != nil {
			return c, err
		}
		maps.Copy(due, one) // all versions of a record are in one log
		letters, err := log.Store.DeadLetters(ctx, sink)
		if err != nil {
			return c, err
		}
		for _, l := range letters {
			optional[l.Record] = true
		}
		c.Letters += len(letters)
	}
	c.Events = len(due)
	seen := map[string]bool{}
	err = has(ctx, func(id, digest string) error {
		want, ok := due[id]
		switch {
		case seen[id]:
			c.Repeats++
			return nil
		case !ok && replaces && optional[id]:
		case !ok:
			c.Unknown = append(c.Unknown, id)
		case digest != "" && want != "" && digest != want:
			c.Other = append(c.Other, id)
		}
		seen[id] = true
		c.Held++
		return nil
	})
	if err != nil {
		return c, err
	}
	for _, id := range slices.Sorted(maps.Keys(due)) {
		if !seen[id] && !optional[id] {
			c.Missing = append(c.Missing, id)
		}
	}
	return c, nil
}

// owed are the digests of the events that a sink is to have; "" where the sink may have what the
// ledger has not any more.
func owed(
	ctx context.Context, store Store, sink string, fields delivery.Fields, replaces bool,
) (map[string]string, error) {
	cursor, err := store.Cursor(ctx, sink)
	if err != nil {
		return nil, err
	}
	due := map[string]string{}
	type version struct {
		id     string
		number int
	}
	newest := map[string]version{} // by the record's name
	for from := int64(0); from < cursor.Next; from += verifyPage {
		changes, err := store.Changes(ctx, from, min(cursor.Next, from+verifyPage))
		if err != nil {
			return nil, err
		}
		for i := range changes {
			e, digest, err := expected(changes[i], fields, replaces)
			if err != nil {
				return nil, err
			}
			if replaces {
				name, number := e.RecordName(), e.Record.Version
				if number < newest[name].number {
					continue
				}
				delete(due, newest[name].id)
				newest[name] = version{e.ID, number}
			}
			due[e.ID] = digest
		}
	}
	return due, nil
}

// expected is the event of a change, and the digest of what a sink has of it. The payer is not part
// of a digest: it goes from the ledger when a later version charges nothing.
func expected(
	c ledger.Change, fields delivery.Fields, replaces bool,
) (e delivery.Event, digest string, err error) {
	if e, err = delivery.NewEvent(c); err != nil {
		return e, "", fmt.Errorf("comparing a sink with the ledger: %w", err)
	}
	if e.Kind == delivery.Recorded && e.Record.DetailErased && !replaces {
		return e, "", nil
	}
	return e, fields.DigestOf(&e), nil
}
