package gateway

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"go.uber.org/zap"
	zaplog "go.uber.org/zap/zaptest/observer"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/ledger/ledgertest"
)

// A call that has its record is reported once more as new, in a run of its own. Its record stands,
// and neither that run nor a later one ends.
func TestACallOpenedAfterItsRecordIsSetAside(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	runOf(t, path, func(w *pbxWorker) {
		w.queue.Put(synced(snapshot(0)))
		w.puts(slices.Concat(arrives("again", 1), leaves("again", 2))...)
	})
	logs := runOf(t, path, func(w *pbxWorker) {
		w.queue.Put(synced(snapshot(3)))
		w.puts(arrives("again", 4)...)
		w.works(t)
		w.puts(slices.Concat(arrives("healthy", 5), leaves("again", 6), leaves("healthy", 7))...)
	})
	wantSetAside(t, logs, "again")
	wantSetAside(t, runOf(t, path, func(w *pbxWorker) { w.queue.Put(synced(snapshot(10))) }))
	if rec := onlyVersion(t, path, "again"); rec.TalkMs != 1000 {
		t.Errorf("the record has %d ms of talk, want the first one's second", rec.TalkMs)
	}
	if rec := onlyVersion(t, path, "healthy"); rec.TalkMs != 2000 {
		t.Errorf("the other call has %d ms of talk, want 2 s", rec.TalkMs)
	}
}

// After many hang-ups an event comes late about a channel that is gone, when the gateway no longer
// remembers it. Whether that is in the batch of the hang-up or after it, the first record stands.
func TestALateEventAfterTheCallIsSetAside(t *testing.T) {
	late := ari.Event{Kind: ari.ChannelDialplan, At: at(20), Channel: callerOf("late")}
	// Another hang-up in between, so that the first one is forgotten.
	forget := slices.Concat(arrives("other", 3), leaves("other", 19))
	for name, pause := range map[string]bool{"in one batch": false, "in the next batch": true} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "ledger.db")
			logs := runOf(t, path, func(w *pbxWorker) {
				w.queue.Put(synced(snapshot(0)))
				w.puts(slices.Concat(arrives("late", 1), leaves("late", 2), forget)...)
				if pause {
					w.works(t)
				}
				w.puts(late)
				w.works(t)
				if n := w.mediator.OpenCalls(); n != 0 {
					t.Errorf("the mediator holds %d calls, want none", n)
				}
			})
			wantSetAside(t, logs, "late")
			for call, want := range map[string]int64{"late": 1000, "other": 16_000} {
				if rec := onlyVersion(t, path, metering.CallID(call)); rec.TalkMs != want {
					t.Errorf("call %s has %d ms of talk, want %d", call, rec.TalkMs, want)
				}
			}
			if n := logs.FilterMessage(evRecord).Len(); n != 2 {
				t.Errorf("%d records were logged, want two", n)
			}
		})
	}
}

// A call is open in the ledger although it has its record: it is closed, and its record stands.
func TestACallLeftOpenAfterItsRecordIsClosed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	runOf(t, path, func(w *pbxWorker) {
		w.queue.Put(synced(snapshot(0)))
		w.puts(slices.Concat(arrives("left", 1), leaves("left", 2))...)
	})
	change(t, path, `INSERT INTO open_call (call, node, service, arrived_at)
		VALUES ('left', 'pbx', 'help', 0)`)
	logs := runOf(t, path, func(w *pbxWorker) { w.queue.Put(synced(snapshot(3))) })
	wantSetAside(t, logs, "left")
	onlyVersion(t, path, "left")
}

// The ledger has a call open that the run no longer knows, and the PBX reports it as new. What the
// ledger's evidence shows counts, and nothing after it.
func TestACallOpenedWhileItIsOpenEndsWhereItsEvidenceEnds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	logs := runOf(t, path, func(w *pbxWorker) {
		w.queue.Put(synced(snapshot(0)))
		w.puts(arrives("twice", 1)...)
		w.puts(ari.Event{Kind: ari.ChannelHold, At: at(3), Channel: operatorOf("twice")})
		w.works(t)
		w.mediator.Drop("twice") // the run loses it
		w.puts(leaves("twice", 5)...)
		w.puts(ari.Event{Kind: ari.ChannelDestroyed, At: at(16), Channel: callerOf("other")})
		w.puts(arrives("twice", 17)...)
		w.puts(leaves("twice", 60)...)
	})
	wantSetAside(t, logs, "twice")
	if rec := onlyVersion(t, path, "twice"); rec.TalkMs != 2000 || rec.Outcome != metering.Uncertain {
		t.Errorf("%s with %d ms of talk, want uncertain with the 2 s before the hold",
			rec.Outcome, rec.TalkMs)
	}
}

// Two PBXs give the same id to a call each (systemname is not set). The call that came first is
// metered; the other one is set aside, and harms neither its PBX's other calls nor the first.
func TestCallsOfTwoPBXsWithOneID(t *testing.T) {
	l := ledgertest.New(t)
	core, logs := zaplog.New(zap.InfoLevel)
	first := workerOn(t, l, "pbx", zap.New(core))
	second := workerOn(t, l, "pbx2", zap.New(core))
	for _, step := range []struct {
		w      *pbxWorker
		events []ari.Event
	}{
		{first, arrives("same", 1)},
		{second, slices.Concat(arrives("same", 2), arrives("healthy", 2))},
		{first, leaves("same", 11)},
		{second, slices.Concat(leaves("same", 20), leaves("healthy", 20))},
	} {
		step.w.puts(step.events...)
		step.w.works(t)
	}
	wantSetAside(t, logs, "same")
	if rec := recordIn(t, l, "same"); rec.TalkMs != 10_000 || rec.Node != "pbx" {
		t.Errorf("the call has %d ms of talk on %s, want 10 s on pbx", rec.TalkMs, rec.Node)
	}
	if rec := recordIn(t, l, "healthy"); rec.TalkMs != 18_000 {
		t.Errorf("the healthy call has %d ms of talk, want 18 s", rec.TalkMs)
	}
}

// troubledLedger fails with what is next; nil: it works.
type troubledLedger struct {
	ledger.Store
	commits, evidence []error
}

func next(errs *[]error) (err error) {
	if len(*errs) > 0 {
		err, *errs = (*errs)[0], (*errs)[1:]
	}
	return err
}

func (l *troubledLedger) Commit(ctx context.Context, b *ledger.Batch) error {
	if err := next(&l.commits); err != nil {
		return err
	}
	return l.Store.Commit(ctx, b)
}

func (l *troubledLedger) Evidence(ctx context.Context, call metering.CallID) ([][]byte, error) {
	if err := next(&l.evidence); err != nil {
		return nil, err
	}
	return l.Store.Evidence(ctx, call)
}

// The disk fails while a call is set aside: that is tried again, and nothing is lost.
func TestSettingAsideIsTriedAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	runOf(t, path, func(w *pbxWorker) {
		w.puts(slices.Concat(arrives("again", 1), leaves("again", 2))...)
	})
	logs := runOf(t, path, func(w *pbxWorker) {
		disk := errors.New("disk")
		w.ledger = &troubledLedger{
			Store: w.ledger.(ledger.Store), commits: []error{disk, nil, disk}, evidence: []error{disk},
		}
		w.puts(slices.Concat(arrives("again", 4), arrives("healthy", 4), leaves("healthy", 5))...)
	})
	wantSetAside(t, logs, "again")
	onlyVersion(t, path, "again")
	if rec := onlyVersion(t, path, "healthy"); rec.TalkMs != 1000 {
		t.Errorf("the other call has %d ms of talk, want 1 s", rec.TalkMs)
	}
}

// A damaged ledger is no call's trouble: the run ends, so that somebody notices.
func TestADamagedLedgerEndsTheRun(t *testing.T) {
	l := ledgertest.New(t)
	w := workerOn(t, &troubledLedger{Store: l, commits: []error{ledger.ErrDamaged}}, "pbx", zap.NewNop())
	w.puts(arrives("a", 1)...)
	if err := w.drain(); !errors.Is(err, ledger.ErrDamaged) {
		t.Errorf("%v, want ErrDamaged", err)
	}
}
