package gateway

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	zapobserver "go.uber.org/zap/zaptest/observer"

	"github.com/risposta/gateway/internal/audit"
	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/internal/lookups"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
)

// restMeter is a meter of a cluster, without nodes, and the log of no node.
func restMeter(t *testing.T) (*Gateway, ledger.Store, *zapobserver.ObservedLogs) {
	t.Helper()
	dir := t.TempDir()
	store, err := ledger.Open(t.Context(), filepath.Join(dir, "ledger.db"), ledger.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	conf := &config.Config{}
	conf.Ledger.KeyFile, conf.Ledger.SignEvery = filepath.Join(dir, "key"), time.Hour
	conf.Callers.Key = config.NewSecret(strings.Repeat("00", metering.KeyBytes))
	if _, err := audit.Signer(conf.Ledger.KeyFile, false); err != nil { // all meters have it already
		t.Fatal(err)
	}
	core, logged := zapobserver.New(zap.InfoLevel)
	d := &Gateway{
		conf: conf, log: zap.New(core), metrics: newMetrics(), lookups: &lookups.Lookups{},
		cluster: &nodesShare{},
	}
	d.inForce.Store(conf)
	t.Cleanup(d.closeRest)
	return d, store, logged
}

// The first of the meters has the site of what no node has, for as long as it is the first: then it
// ends, what was left is signed, and the next meeting takes it away.
func TestTheFirstMeterHasWhatNoNodeHas(t *testing.T) {
	d, store, logged := restMeter(t)
	d.keepRest(t.Context(), false, store)
	if d.cluster.rest != nil || len(d.sites.all()) != 0 {
		t.Fatal("another meter than the first has it")
	}
	d.keepRest(t.Context(), true, store)
	first := d.cluster.rest
	d.keepRest(t.Context(), true, store)
	if first == nil || d.cluster.rest != first || len(d.sites.all()) != 1 || d.sites.all()[0].name != "" {
		t.Fatalf("after two meetings as the first: %+v, %d sites", d.cluster.rest, len(d.sites.all()))
	}
	d.keepRest(t.Context(), false, store)
	select {
	case <-first.done:
	case <-time.After(time.Minute):
		t.Fatal("it does not end")
	}
	if heads, err := store.Heads(t.Context()); err != nil || len(heads) == 0 {
		t.Errorf("its log has %d heads, %v", len(heads), err)
	}
	d.keepRest(t.Context(), false, store)
	if d.cluster.rest != nil || len(d.sites.all()) != 0 {
		t.Error("it is not taken away")
	}
	d.keepRest(t.Context(), true, store)
	if second := d.cluster.rest; second == nil || second == first || second.ended() {
		t.Error("a meter that is the first again does not have it")
	}
	if n := logged.FilterMessage(evNodeNotTaken).Len(); n != 0 {
		t.Errorf("%d times it could not be opened", n)
	}
}

// The end of the context in which it was opened is no end of it: what it has is committed first.
func TestWhatNoNodeHasEndsWithTheLeases(t *testing.T) {
	d, store, _ := restMeter(t)
	ctx, cancel := context.WithCancel(t.Context())
	d.keepRest(ctx, true, store)
	cancel()
	r := d.cluster.rest
	if r == nil || r.ended() {
		t.Fatal("it has ended with its context")
	}
	if err := d.endLeases(); err != nil || !r.ended() || d.cluster.rest != nil || len(d.sites.all()) != 0 {
		t.Errorf("after the end: %v, ended %t, %d sites", err, r.ended(), len(d.sites.all()))
	}
	d.closeRest() // there is none any more
}

// What cannot be opened is reported, and tried again with the next meeting.
func TestWhatNoNodeHasIsTriedAgain(t *testing.T) {
	d, store, logged := restMeter(t)
	key := d.conf.Ledger.KeyFile
	if err := os.Rename(key, key+".away"); err != nil {
		t.Fatal(err)
	}
	d.keepRest(t.Context(), true, store)
	if logged.FilterMessage(evNodeNotTaken).Len() != 1 || d.cluster.rest != nil || len(d.sites.all()) != 0 {
		t.Errorf("without the key: %v, %+v", logged.All(), d.cluster.rest)
	}
	if err := os.Rename(key+".away", key); err != nil {
		t.Fatal(err)
	}
	d.keepRest(t.Context(), true, store)
	if d.cluster.rest == nil {
		t.Error("it is not tried again")
	}
}
