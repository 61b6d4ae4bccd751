package retention

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/mod/sumdb/note"
	"pgregory.net/rapid"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/ledger/ledgertest"
	"github.com/risposta/gateway/metering/ledger/merkle"
	_ "github.com/risposta/gateway/metering/ledger/sqlite"
	"github.com/risposta/gateway/metering/tariff"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

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

// enter writes calls, each version after the first as a supersession.
func enter(ctx context.Context, l ledger.Store, calls ...call) error {
	var first, last ledger.Batch
	for _, c := range calls {
		open := ledger.OpenCall{Call: c.id, Service: c.service, ArrivedAt: c.arrived}
		first.Opened = append(first.Opened, open)
		first.Evidence = append(first.Evidence, ledger.Evidence{Call: c.id, Frame: []byte("1")})
		last.Records = append(last.Records, c.version(1))
	}
	if err := errors.Join(l.Commit(ctx, &first), l.Commit(ctx, &last)); err != nil {
		return err
	}
	for _, c := range calls {
		for v := 2; v <= len(c.cents); v++ {
			next := ledger.Supersession{
				Call: c.id, After: v - 1, Frames: [][]byte{[]byte("x")},
				Records: []metering.Record{c.version(v)},
			}
			if err := l.Supersede(ctx, &next); err != nil {
				return err
			}
		}
	}
	return nil
}

// totals are what `records` adds up to: for each day and service the calls, the talk and the
// charges.
type totals map[string][3]int64

func sums(ctx context.Context, l ledger.Reader, q ledger.Query) (totals, error) {
	all := totals{}
	err := l.Records(ctx, q, func(text []byte) error {
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
	const days = 3
	l, made, checks := ledgertest.New(t), 0, 0
	ctx := t.Context()
	rapid.Check(t, func(t *rapid.T) {
		checks++ // each has days of its own in the one ledger, before those of the others
		begin := noon.Truncate(24*time.Hour).AddDate(0, 0, -checks*days)
		hour := func(what string) time.Time {
			return begin.Add(time.Duration(rapid.IntRange(0, days*24-1).Draw(t, what)) * time.Hour)
		}
		calls := make([]call, rapid.IntRange(1, 3).Draw(t, "calls"))
		for i := range calls {
			made++
			calls[i] = call{
				id:      metering.CallID(fmt.Sprintf("pbx-%d", made)),
				service: rapid.SampledFrom([]string{"help", "sales"}).Draw(t, "service"),
				arrived: hour("arrived"),
				cents:   rapid.SliceOfN(rapid.Int64Range(0, 99), 1, 3).Draw(t, "cents"),
			}
		}
		if err := enter(ctx, l, calls...); err != nil {
			t.Fatal(err)
		}
		if rapid.Bool().Draw(t, "the first is disputed") {
			if err := l.OpenDispute(ctx, calls[0].id, noon, ""); err != nil {
				t.Fatal(err)
			}
		}
		q := ledger.Query{Since: begin, Until: begin.AddDate(0, 0, days)}
		before, err := sums(ctx, l, q)
		if err != nil || len(before) == 0 {
			t.Fatalf("sums %v, %v", before, err)
		}
		if _, err := Erase(ctx, l, hour("erase until"), noon); err != nil {
			t.Fatal(err)
		}
		after, err := sums(ctx, l, q)
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
	l := ledgertest.New(t)
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

// scriptedStore notes when it is asked to erase and to sign. It answers each time with what is
// next.
type scriptedStore struct {
	Store
	begin          time.Time
	erased, signed []time.Duration
	eraseErrs      []error
	heads          []int64 // 0: nothing to sign; negative: an error
	scrubs         int
}

var errDisk = errors.New("disk")

func (s *scriptedStore) Erasable(
	_ context.Context, before time.Time, _ int,
) ([]metering.CallID, error) {
	s.erased = append(s.erased, before.Sub(s.begin))
	return nil, s.eraseErrs[len(s.erased)-1]
}

func (s *scriptedStore) RepeatsUntil(context.Context) (string, error) { return "", errDisk }

func (s *scriptedStore) Scrub(context.Context) (bool, error) {
	s.scrubs++
	return s.scrubs == 3, nil // a reader keeps it from that twice
}

func (s *scriptedStore) SignLog(
	_ context.Context, at time.Time, _ note.Signer,
) (h merkle.Head, signed bool, err error) {
	s.signed = append(s.signed, at.Sub(s.begin))
	h.N = s.heads[len(s.signed)-1]
	if h.N < 0 {
		return merkle.Head{}, false, errDisk
	}
	return h, h.N > 0, nil
}

// observed counts what an Observer is called with.
type observed struct {
	heads                   []int64
	signFailed, eraseFailed int
	repeatsFailed, covered  int
}

func (o *observed) LogCovered(time.Time)    { o.covered++ }
func (o *observed) Signed(head merkle.Head) { o.heads = append(o.heads, head.N) }
func (o *observed) SignFailed(error)        { o.signFailed++ }
func (o *observed) Erased(int)              {}
func (o *observed) EraseFailed(error)       { o.eraseFailed++ }
func (o *observed) RepeatsFailed(error)     { o.repeatsFailed++ }

func TestRunErasesEveryHourAndSignsEverySignEvery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const kept = 180 * 24 * time.Hour
		s := &scriptedStore{
			begin: time.Now(), eraseErrs: []error{nil, errDisk}, heads: []int64{0, 7, -1, 0, -1},
		}
		o := &observed{}
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
		time.Sleep(80 * time.Minute)
		synctest.Wait()
		cancel()
		<-done
		if want := []time.Duration{-kept, time.Hour - kept}; !slices.Equal(s.erased, want) {
			t.Errorf("erased as of %v, want %v", s.erased, want)
		}
		want := []time.Duration{0, 25 * time.Minute, 50 * time.Minute, 75 * time.Minute}
		if !slices.Equal(s.signed, want) {
			t.Errorf("signed after %v, want %v", s.signed, want)
		}
		if s.scrubs != 3 {
			t.Errorf("scrubbed %d times, want three: until it was done, and no more", s.scrubs)
		}
		if !slices.Equal(o.heads, []int64{7}) || o.signFailed != 1 || o.eraseFailed != 1 ||
			o.repeatsFailed != 2 || o.covered != 3 {
			t.Errorf("observed %+v", o)
		}
		w.Sign(ctx)
		if o.signFailed != 1 {
			t.Error("a failure at the end of the gateway was reported")
		}
	})
}
