package gateway

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	zaplog "go.uber.org/zap/zaptest/observer"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
)

// refusing is a ledger whose first commit of each kind fails, and which looks into the log before
// each commit.
type refusing struct {
	ledger.Store
	t      *testing.T
	logs   *zaplog.ObservedLogs
	failed map[string]bool
}

var errRefused = errors.New("the disk is full")

func (r *refusing) Commit(ctx context.Context, b *ledger.Batch) error {
	kind := "evidence"
	for event, due := range map[string]bool{
		metering.CallArrived.String(): len(b.Opened) > 0, evRecord: len(b.Records) > 0,
	} {
		if !due {
			continue
		}
		kind = event
		if n := r.logs.FilterMessage(event).Len(); n != 0 {
			r.t.Errorf("%s was logged %d times before it was committed", event, n)
		}
	}
	if !r.failed[kind] {
		r.failed[kind] = true
		return errRefused
	}
	return r.Store.Commit(ctx, b)
}

// What the ledger has not kept yet is in no line of the log, also while the disk refuses it.
func TestNothingIsLoggedBeforeItIsCommitted(t *testing.T) {
	l, err := ledger.Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"), ledger.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	core, logs := zaplog.New(zapcore.InfoLevel)
	r := &refusing{Store: l, t: t, logs: logs, failed: map[string]bool{}}
	w := workerOn(t, r, "pbx", zap.New(core))
	w.queue.Put(synced(snapshot(0)))
	w.puts(arrives("c", 1)...)
	w.works(t)
	w.puts(leaves("c", 2)...)
	w.works(t)
	for _, event := range []string{metering.CallArrived.String(), evRecord} {
		if n := logs.FilterMessage(event).Len(); n != 1 || !r.failed[event] {
			t.Errorf("%s was logged %d times after a commit that failed (%v), want once", event, n, r.failed[event])
		}
	}
	messages := []string{}
	for _, e := range logs.All() {
		messages = append(messages, e.Message)
	}
	if !slices.Contains(messages, evCommitFailed) {
		t.Errorf("%q lacks the failure", messages)
	}
}
