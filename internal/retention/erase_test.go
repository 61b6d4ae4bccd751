package retention

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/tariff"
)

// troubledStore has calls to erase, some of which cannot be.
type troubledStore struct {
	Store
	calls  []metering.CallID
	broken map[metering.CallID]bool
	tries  int
}

func (s *troubledStore) Erasable(
	_ context.Context, _ time.Time, limit int,
) ([]metering.CallID, error) {
	return slices.Clone(s.calls[:min(limit, len(s.calls))]), nil
}

func (s *troubledStore) Versions(_ context.Context, id metering.CallID) ([][]byte, error) {
	r := metering.Record{Call: id, Version: 1, Charge: tariff.Zero(nil)}
	return [][]byte{r.JSON()}, nil
}

func (s *troubledStore) Evidence(context.Context, metering.CallID) ([][]byte, error) {
	return nil, nil
}

func (s *troubledStore) Supersede(_ context.Context, change *ledger.Supersession) error {
	s.tries++
	if s.broken[change.Call] {
		return fmt.Errorf("the call is broken: %w", ledger.ErrBroken)
	}
	s.calls = slices.DeleteFunc(s.calls, func(id metering.CallID) bool { return id == change.Call })
	return nil
}

// troubled is a store of many calls, of which some cannot be erased.
func troubled(calls int, broken ...int) *troubledStore {
	s := &troubledStore{broken: map[metering.CallID]bool{}}
	for i := range calls {
		s.calls = append(s.calls, metering.CallID(fmt.Sprint("c", i)))
	}
	for _, i := range broken {
		s.broken[s.calls[i]] = true
	}
	return s
}

// What cannot be erased of one call does not keep the detail of the others.
func TestACallThatCannotBeErasedKeepsNoOther(t *testing.T) {
	const calls = 3*eraseBatch + 7
	s := troubled(calls, 0, 5, eraseBatch, calls-1)
	n, err := Erase(t.Context(), s, noon, noon)
	if n != calls-4 || s.tries != calls {
		t.Errorf("%d were erased in %d tries, want %d in %d", n, s.tries, calls-4, calls)
	}
	if !errors.Is(err, ledger.ErrBroken) || !strings.Contains(fmt.Sprint(err), "4 calls") {
		t.Errorf("%v, want ErrBroken and the number of calls", err)
	}
	if want := []metering.CallID{"c0", "c5", "c100", "c306"}; !slices.Equal(s.calls, want) {
		t.Errorf("%d are left, want %v", len(s.calls), want)
	}
}

// A ledger that fails for every call is not tried on and on.
func TestErasingEndsWhenNothingCanBeErased(t *testing.T) {
	s := troubled(5 * eraseBatch)
	for _, id := range s.calls {
		s.broken[id] = true
	}
	n, err := Erase(t.Context(), s, noon, noon)
	if n != 0 || err == nil || s.tries != eraseBatch {
		t.Errorf("%d were erased in %d tries, %v; want one batch of failures", n, s.tries, err)
	}
}
