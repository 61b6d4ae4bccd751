package report

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/quality"
)

// FromRecords makes the rows from the newest version of each record.
type FromRecords struct {
	Records interface {
		Records(ctx context.Context, q ledger.Query, f func(json []byte) error) error
	}
	// Erased is how many calls of the period were not counted, because their detail is erased.
	Erased int64
}

// Rows implements [Rows]. Calls in the last RepeatWithin before the newest call are no first calls:
// their callers may still call again. So are those whose detail is erased.
func (s *FromRecords) Rows(
	ctx context.Context, from, until time.Time, service string, f func(quality.Row) error,
) error {
	q := ledger.Query{
		Service: service, Since: from.Add(-quality.MaxRepeat), Until: until.Add(quality.MaxRepeat),
	}
	var arrivals []quality.Arrival
	var newest time.Time
	s.Erased = 0
	err := s.Records.Records(ctx, q, func(text []byte) error {
		var r metering.Record
		if err := json.Unmarshal(text, &r); err != nil {
			return fmt.Errorf("reading a record: %w", err)
		}
		arrived := r.ArrivedAt.Time
		newest = arrived
		inside := !arrived.Before(from) && arrived.Before(until)
		if r.DetailErased {
			if inside {
				s.Erased++
			}
			return nil
		}
		arrivals = append(arrivals, quality.Arrival{Service: r.Service, Caller: r.Caller, At: arrived})
		if !inside {
			return nil
		}
		for _, row := range quality.Of(r) {
			if err := f(row); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if known := newest.Add(-quality.MaxRepeat); known.Before(until) {
		until = known
	}
	for _, row := range quality.Repeats(arrivals, from, until) {
		if err := f(row); err != nil {
			return err
		}
	}
	return nil
}
