package retention

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/mod/sumdb/note"
	"pgregory.net/rapid"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/ledger/merkle"
	_ "github.com/risposta/gateway/metering/ledger/sqlite"
	"github.com/risposta/gateway/metering/tariff"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func newLedger(t *testing.T) ledger.Store {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ledger.db")
	l, err := ledger.Open(context.WithoutCancel(t.Context()), path, ledger.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// call is an ended call with versions that charge so many cents each.
type call struct {
	id      metering.CallID
	service string
	arrived time.Time
	cents   []int64
}

func (c call) version(v int) metering.Record {
	return metering.Record{
		Record: fmt.Sprintf("r-%s-%d", c.id, v), Version: v, Call: c.id, Service: c.service,
		Caller: "c-caller", ArrivedAt: metering.Time{Time: c.arrived},
		EndedAt: metering.Time{Time: c.arrived.Add(time.Minute)}, TalkMs: 1000 * c.cents[v-1],
		Charge: tariff.Amount{Minor: c.cents[v-1], Digits: 2, Currency: "EUR"},
	}
}

// enter writes the call, each version after the first as a supersession.
func enter(ctx context.Context, l ledger.Store, c call) error {
	batches := []ledger.Batch{
		{
			Opened:   []ledger.OpenCall{{Call: c.id, Service: c.service, ArrivedAt: c.arrived}},
			Evidence: []ledger.Evidence{{Call: c.id, Frame: []byte("1")}},
		},
		{Records: []metering.Record{c.version(1)}},
	}
	for i := range batches {
		if err := l.Commit(ctx, &batches[i]); err != nil {
			return err
		}
	}
	for v := 2; v <= len(c.cents); v++ {
		next := ledger.Supersession{
			Call: c.id, After: v - 1, Frames: [][]byte{[]byte("x")},
			Records: []metering.Record{c.version(v)},
		}
		if err := l.Supersede(ctx, &next); err != nil {
			return err
		}
	}
	return nil
}

// totals are what `records` adds up to: for each day and service the calls, the talk and the
// charges.
type totals map[string][3]int64

func sums(ctx context.Context, l ledger.Reader) (totals, error) {
	all := totals{}
	err := l.Records(ctx, ledger.Query{}, func(text []byte) error {
		var r struct {
			Service   string
			ArrivedAt time.Time `json:"arrived_at"`
			TalkMs    int64     `json:"talk_ms"`
			Charge    tariff.Amount
		}
		if err := json.Unmarshal(text, &r); err != nil {
			return err
		}
		key := r.ArrivedAt.Format(time.DateOnly) + " " + r.Service
		sum := all[key]
		all[key] = [3]int64{sum[0] + 1, sum[1] + r.TalkMs, sum[2] + r.Charge.Minor}
		return nil
	})
	return all, err
}

// Whatever is erased, and however often a call was rerated: the sums of the records stay. A charge
// that was credited does not come back.
func TestErasingKeepsTheSumsOfTheRecords(t *testing.T) {
	l, made := newLedger(t), 0
	ctx := t.Context()
	rapid.Check(t, func(t *rapid.T) {
		for range rapid.IntRange(1, 4).Draw(t, "calls") {
			c := call{
				id:      metering.CallID(fmt.Sprintf("pbx-%d", made)),
				service: rapid.SampledFrom([]string{"help", "sales"}).Draw(t, "service"),
				arrived: noon.Add(time.Duration(rapid.IntRange(0, 72).Draw(t, "hour")) * time.Hour),
				cents:   rapid.SliceOfN(rapid.Int64Range(0, 99), 1, 4).Draw(t, "cents"),
			}
			made++
			if err := enter(ctx, l, c); err != nil {
				t.Fatal(err)
			}
			if rapid.Bool().Draw(t, "disputed") {
				if err := l.OpenDispute(ctx, c.id, noon, ""); err != nil {
					t.Fatal(err)
				}
			}
		}
		before, err := sums(ctx, l)
		if err != nil {
			t.Fatal(err)
		}
		until := noon.Add(time.Duration(rapid.IntRange(0, 72).Draw(t, "until hour")) * time.Hour)
		if _, err := Erase(ctx, l, until, noon); err != nil {
			t.Fatal(err)
		}
		after, err := sums(ctx, l)
		if err != nil {
			t.Fatal(err)
		}
		if !maps.Equal(before, after) {
			t.Errorf("calls, ms and cents %v, before erasing %v", after, before)
		}
	})
}

// disputingStore opens a dispute of one call after the calls were listed.
type disputingStore struct {
	ledger.Store
	call metering.CallID
}

func (s disputingStore) Erasable(
	ctx context.Context, before time.Time, limit int,
) ([]metering.CallID, error) {
	calls, err := s.Store.Erasable(ctx, before, limit)
	return calls, errors.Join(err, s.OpenDispute(ctx, s.call, noon, ""))
}

func TestDisputeOpenedMeanwhileHoldsErasure(t *testing.T) {
	l := newLedger(t)
	for i, id := range []metering.CallID{"a", "b", "c"} {
		arrived := noon.Add(time.Duration(i) * time.Hour)
		c := call{id: id, service: "help", arrived: arrived, cents: []int64{1}}
		if err := enter(t.Context(), l, c); err != nil {
			t.Fatal(err)
		}
	}
	s := disputingStore{Store: l, call: "b"}
	if n, err := Erase(t.Context(), s, noon.AddDate(0, 0, 1), noon); err != nil || n != 2 {
		t.Errorf("%d were erased, %v; want a and c", n, err)
	}
	if frames, err := l.Evidence(t.Context(), "b"); err != nil || len(frames) != 1 {
		t.Errorf("%d frames of the disputed call, %v; want all", len(frames), err)
	}
}

// scheduledStore notes when it is asked to erase and to sign, and answers with what is next.
type scheduledStore struct {
	Store
	begin         time.Time
	erased        []time.Duration
	signed        []time.Duration
	head          int64
	eraseE, signE error
}

func (s *scheduledStore) Erasable(
	_ context.Context, before time.Time, _ int,
) ([]metering.CallID, error) {
	s.erased = append(s.erased, before.Sub(s.begin))
	return nil, s.eraseE
}

func (s *scheduledStore) SignLog(
	_ context.Context, at time.Time, _ note.Signer,
) (h merkle.Head, signed bool, err error) {
	s.signed = append(s.signed, at.Sub(s.begin))
	h.N = s.head
	return h, s.head > 0, s.signE
}

// observed counts what an Observer is called with.
type observed struct {
	heads                   []int64
	signFailed, eraseFailed int
}

func (o *observed) Signed(head merkle.Head) { o.heads = append(o.heads, head.N) }
func (o *observed) SignFailed(error)        { o.signFailed++ }
func (o *observed) Erased(int)              {}
func (o *observed) EraseFailed(error)       { o.eraseFailed++ }

func TestRunErasesEveryHourAndSignsEverySignEvery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const kept = 180 * 24 * time.Hour
		s, o := &scheduledStore{begin: time.Now()}, &observed{}
		w := &Worker{
			Store: s, SignEvery: 25 * time.Minute, Observer: o,
			Before: func(now time.Time) time.Time { return now.Add(-kept) },
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			w.Run(ctx)
		}()
		wait := func(d time.Duration) {
			time.Sleep(d)
			synctest.Wait()
		}
		wait(30 * time.Minute) // nothing to sign at 25 min
		s.head = 7
		wait(25 * time.Minute) // a head at 50 min
		s.eraseE, s.signE = errors.New("disk"), errors.New("disk")
		wait(25 * time.Minute) // erasing fails at 60 min, signing at 75 min
		cancel()
		<-done
		if want := []time.Duration{-kept, time.Hour - kept}; !slices.Equal(s.erased, want) {
			t.Errorf("erased as of %v, want %v", s.erased, want)
		}
		want := []time.Duration{25 * time.Minute, 50 * time.Minute, 75 * time.Minute}
		if !slices.Equal(s.signed, want) {
			t.Errorf("signed after %v, want %v", s.signed, want)
		}
		if !slices.Equal(o.heads, []int64{7}) || o.signFailed != 1 || o.eraseFailed != 1 {
			t.Errorf("observed %+v", o)
		}
		w.Sign(ctx)
		if o.signFailed != 1 {
			t.Error("a failure at the end of the gateway was reported")
		}
	})
}
