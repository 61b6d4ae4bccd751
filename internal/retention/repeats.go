package retention

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/quality"
)

// RepeatStore is what counting who called again needs.
type RepeatStore interface {
	Records(ctx context.Context, q ledger.Query, f func(json []byte) error) error
	ledger.Repeats
}

const (
	day = 24 * time.Hour
	// settled is how long after a day it is counted who called again: the days in which a caller may,
	// and one more for the calls that are still going on.
	settled = quality.MaxRepeat + day
	// maxRepeatDays bounds the days that one round counts.
	maxRepeatDays = 31
)

// CountRepeats counts who called again after the calls of each day that is long enough ago. It
// begins where the calls of all days are known in which a caller may have called before. A day next
// to which detail is erased already is not counted: its callers are no longer known.
func CountRepeats(ctx context.Context, s RepeatStore, now time.Time) error {
	next, err := nextRepeats(ctx, s)
	if err != nil || next.IsZero() {
		return err
	}
	for range maxRepeatDays {
		if next.Add(day + settled).After(now) {
			return nil
		}
		rows, err := repeatsOf(ctx, s, next)
		if err == nil {
			err = s.AddRepeats(ctx, next.Format(time.DateOnly), rows)
		}
		if err != nil {
			return fmt.Errorf("counting who called again after %s: %w", next.Format(time.DateOnly), err)
		}
		next = next.Add(day)
	}
	return nil
}

// nextRepeats is the first day that is not counted; zero where there is no call to begin with.
func nextRepeats(ctx context.Context, s RepeatStore) (next time.Time, err error) {
	until, err := s.RepeatsUntil(ctx)
	if err != nil {
		return next, err
	}
	if until != "" {
		return time.Parse(time.DateOnly, until)
	}
	err = s.Records(ctx, ledger.Query{}, func(text []byte) error {
		call, err := readCall(text)
		if err != nil || call.DetailErased {
			return err
		}
		next = call.ArrivedAt.UTC().Add(quality.MaxRepeat).Truncate(day).Add(day)
		return errFound
	})
	if errors.Is(err, errFound) {
		err = nil
	}
	return next, err
}

// errFound ends a reading of which no more is needed.
var errFound = errors.New("found")

// repeatsOf are the rows of a day, none where some caller is no longer known.
func repeatsOf(ctx context.Context, s RepeatStore, of time.Time) ([]quality.Row, error) {
	q := ledger.Query{Since: of.Add(-quality.MaxRepeat), Until: of.Add(day + quality.MaxRepeat)}
	var arrivals []quality.Arrival
	err := s.Records(ctx, q, func(text []byte) error {
		call, err := readCall(text)
		if err != nil {
			return err
		}
		if call.DetailErased {
			return errErased
		}
		arrivals = append(arrivals, quality.Arrival{
			Service: call.Service, Caller: call.Caller, At: call.ArrivedAt,
		})
		return nil
	})
	if errors.Is(err, errErased) {
		return nil, nil
	}
	return quality.Repeats(arrivals, of, of.Add(day)), err
}

// errErased says that the callers of some calls are no longer known.
var errErased = errors.New("erased")

// recordedCall is what is needed of a record.
type recordedCall struct {
	Service      string
	Caller       string
	ArrivedAt    time.Time `json:"arrived_at"`
	DetailErased bool      `json:"detail_erased"`
}

func readCall(text []byte) (call recordedCall, err error) {
	if err = json.Unmarshal(text, &call); err != nil {
		err = fmt.Errorf("reading a record: %w", err)
	}
	return call, err
}
