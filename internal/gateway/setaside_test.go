package gateway

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	zaplog "go.uber.org/zap/zaptest/observer"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/aritest"
	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/tariff"
)

func synced(s *ari.Snapshot) ari.Frame {
	return ari.Frame{Event: &ari.Event{Kind: ari.SnapshotTaken, At: s.At, Node: "pbx", Snapshot: s}}
}

// puts puts events of the PBX into the queue.
func (w *pbxWorker) puts(evs ...ari.Event) {
	for _, ev := range evs {
		ev.Node = w.node
		w.queue.Put(ari.Frame{Raw: aritest.Frame(ev)})
	}
}

// works processes what is in the queue. No trouble of a call may end the run.
func (w *pbxWorker) works(t *testing.T) {
	t.Helper()
	if err := w.drain(); err != nil {
		t.Errorf("the run ends: %v", err)
	}
}

// runOf makes one run on a ledger, and returns what it logs.
func runOf(t *testing.T, path string, during func(*pbxWorker)) *zaplog.ObservedLogs {
	t.Helper()
	core, logs := zaplog.New(zapcore.InfoLevel)
	l, err := ledger.Open(t.Context(), path, ledger.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	w := workerOn(t, l, "pbx", zap.New(core))
	during(w)
	w.works(t)
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	return logs
}

// setAsideCalls are the calls that a log reports as set aside.
func setAsideCalls(logs *zaplog.ObservedLogs) (calls []string) {
	for _, e := range logs.FilterMessage(evSetAside).All() {
		if fields := e.ContextMap(); fields["error"] != "" {
			calls = append(calls, fields["call"].(string))
		}
	}
	return calls
}

func wantSetAside(t *testing.T, logs *zaplog.ObservedLogs, want ...string) {
	t.Helper()
	if got := setAsideCalls(logs); !slices.Equal(got, want) {
		t.Errorf("set aside: %v, want %v", got, want)
	}
}

// onlyVersion returns the record of a call that has ended, which must be its only one, and come out
// of its evidence.
func onlyVersion(t *testing.T, path string, call metering.CallID) (rec metering.Record) {
	t.Helper()
	l, err := ledger.Open(t.Context(), path, ledger.ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}()
	return recordIn(t, l, call)
}

func recordIn(t testing.TB, l ledger.Store, call metering.CallID) (rec metering.Record) {
	t.Helper()
	ctx := context.Background()
	versions, err := l.Versions(ctx, call)
	open, openErr := l.OpenCalls(ctx, ledger.AnyNode)
	frames, evidenceErr := l.Evidence(ctx, call)
	if err = errors.Join(err, openErr, evidenceErr); err != nil || len(versions) != 1 {
		t.Fatalf("call %s has %d records, %v; want one", call, len(versions), err)
	}
	if slices.ContainsFunc(open, func(oc ledger.OpenCall) bool { return oc.Call == call }) {
		t.Errorf("call %s has its record and is open", call)
	}
	if err := json.Unmarshal(versions[0], &rec); err != nil {
		t.Fatal(err)
	}
	if rec.Evidence.Events == 0 {
		if rec.Charge.Minor != 0 || rec.TalkMs != 0 {
			t.Errorf("call %s is charged without evidence: %s", call, versions[0])
		}
		return rec
	}
	_, out, err := mediation.Replay(frames)
	if err != nil || len(out.Records) != 1 || string(out.Records[0].JSON()) != string(versions[0]) {
		t.Errorf("the evidence of call %s does not give its record %s: %v", call, versions[0], err)
	}
	return rec
}

// change changes the ledger's file behind the gateway's back.
func change(t testing.TB, path, query string, args ...any) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Exec(query, args...)
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

// tear makes a call's evidence such that it does not replay.
func tear(t *testing.T, path string, call metering.CallID) {
	t.Helper()
	change(t, path, tornEvidence, string(call))
}

// tornEvidence replaces the last frames of an open call.
const tornEvidence = `UPDATE open_evidence SET frames = CAST('{"type":"x"' || char(10) AS BLOB)
	WHERE id = (SELECT max(id) FROM open_evidence WHERE id >> 24 = (SELECT seq FROM open_call WHERE call = ?1))`

// The evidence of an open call does not replay, and its channel still talks: the call gets one
// record, at 0, and no second opening, in this run and in later ones. Another call goes on.
func TestACallThatDoesNotReplayIsSetAside(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	runOf(t, path, func(w *pbxWorker) {
		w.queue.Put(synced(snapshot(0)))
		w.puts(arrives("torn", 1)...)
		w.puts(arrives("whole", 1)...)
	})
	tear(t, path, "torn")
	for i := range 3 {
		logs := runOf(t, path, func(w *pbxWorker) {
			w.queue.Put(synced(snapshot(10+float64(i), "torn", "whole")))
			w.puts(ari.Event{
				Kind: ari.ChannelDialplan, At: at(10 + float64(i)), Channel: callerOf("torn"),
			})
		})
		if i == 0 {
			wantSetAside(t, logs, "torn")
			continue
		}
		wantSetAside(t, logs)
	}
	runOf(t, path, func(w *pbxWorker) {
		w.queue.Put(synced(snapshot(20, "torn", "whole")))
		w.puts(slices.Concat(leaves("torn", 30), leaves("whole", 30))...)
	})
	if rec := onlyVersion(t, path, "torn"); rec.Outcome != metering.Uncertain {
		t.Errorf("the call that does not replay is %+v", rec)
	}
	if rec := onlyVersion(t, path, "whole"); rec.TalkMs != 10_000 {
		t.Errorf("the other call has %d ms of talk, want the 10 s after the last snapshot", rec.TalkMs)
	}
}

// One of two open calls does not replay at a resume without a gap: the other loses nothing.
func TestAResumeSetsAsideOnlyTheCallThatDoesNotReplay(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	runOf(t, path, func(w *pbxWorker) {
		w.queue.Put(synced(snapshot(0)))
		w.puts(slices.Concat(arrives("torn", 1), arrives("whole", 1))...)
		w.queue.Put(ari.Frame{
			Event: &ari.Event{Kind: ari.Suspended, Node: "pbx"}, Position: ari.Position(`{}`),
		})
	})
	tear(t, path, "torn")
	logs := runOf(t, path, func(w *pbxWorker) {
		if _, err := w.takePosition(t.Context(), "pbx"); err != nil {
			t.Fatal(err)
		}
		w.queue.Put(ari.Frame{
			Event: &ari.Event{Kind: ari.Resumed, At: at(20), Node: "pbx", Snapshot: snapshot(20)},
		})
		w.puts(ari.Event{Kind: ari.ChannelDialplan, At: at(11), Channel: callerOf("torn")})
		w.puts(slices.Concat(leaves("torn", 12), leaves("whole", 12))...)
	})
	wantSetAside(t, logs, "torn")
	onlyVersion(t, path, "torn")
	if rec := onlyVersion(t, path, "whole"); rec.TalkMs != 11_000 || rec.UnseenMs != 0 {
		t.Errorf("the other call has %d ms of talk and %d unseen, want 11 s and none",
			rec.TalkMs, rec.UnseenMs)
	}
}

// `reconcile --apply` enters a call that came and went while the gateway was away; then the PBX
// reports it, because it has kept its events.
func TestACallEnteredBeforeAResumeKeepsItsRecord(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	runOf(t, path, func(w *pbxWorker) {
		w.queue.Put(synced(snapshot(0)))
		w.puts(arrives("open", 1)...)
		w.queue.Put(ari.Frame{
			Event: &ari.Event{Kind: ari.Suspended, Node: "pbx"}, Position: ari.Position(`{}`),
		})
	})
	entered := metering.Record{
		Record: "r-entered", Version: 1, Call: "entered", Service: "help",
		ArrivedAt: metering.Time{Time: at(5)}, EndedAt: metering.Time{Time: at(6)},
		Charge: tariff.Zero(&standard),
	}
	l, err := ledger.Open(t.Context(), path, ledger.ReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	err = l.Supersede(t.Context(), &ledger.Supersession{
		Call: "entered", Records: []metering.Record{entered},
	})
	if err = errors.Join(err, l.Close()); err != nil {
		t.Fatal(err)
	}
	logs := runOf(t, path, func(w *pbxWorker) {
		if _, err := w.takePosition(t.Context(), "pbx"); err != nil {
			t.Fatal(err)
		}
		w.queue.Put(ari.Frame{
			Event: &ari.Event{Kind: ari.Resumed, At: at(20), Node: "pbx", Snapshot: snapshot(20)},
		})
		w.puts(slices.Concat(arrives("entered", 5), leaves("entered", 6), leaves("open", 12))...)
	})
	wantSetAside(t, logs, "entered")
	if rec := onlyVersion(t, path, "entered"); rec.Record != "r-entered" {
		t.Errorf("the record is %s, want the one that was there first", rec.Record)
	}
	if rec := onlyVersion(t, path, "open"); rec.TalkMs != 11_000 || rec.UnseenMs != 0 {
		t.Errorf("the open call has %d ms of talk and %d unseen, want 11 s and none",
			rec.TalkMs, rec.UnseenMs)
	}
}
