package gateway

import (
	"context"
	"crypto/rand"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/internal/lookups"
	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	_ "github.com/risposta/gateway/metering/ledger/sqlite"
	"github.com/risposta/gateway/metering/tariff"
)

// noSource brings nothing: the test puts frames into the queue itself.
type noSource struct{}

func (noSource) Run(context.Context) error { return nil }
func (noSource) Resync(string)             {}
func (noSource) Probe([]ari.ProbeRequest)  {}

// standard is the price of the calls of a sourceless worker.
var standard = tariff.Tariff{
	Name: "standard", PerMinute: "0.96", Increment: time.Second, Currency: "EUR",
}

// sourceless is a worker without a source, on the ledger of a path: what is put into its queue is
// processed and committed, fsync and all. It meters what comes in over the trunk, and asks nobody.
func sourceless(tb testing.TB, path string, log *zap.Logger) *pbxWorker {
	tb.Helper()
	l, err := ledger.Open(context.Background(), path, ledger.Exclusive)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := l.Close(); err != nil {
			tb.Error(err)
		}
	})
	return workerOn(tb, l, "pbx", log)
}

// workerOn is a sourceless worker of one PBX on a ledger that others may use.
func workerOn(tb testing.TB, l workerLedger, node string, log *zap.Logger) *pbxWorker {
	tb.Helper()
	m, names := newMetrics(), pseudonyms(tb)
	return &pbxWorker{
		name: node, log: log, metrics: m, ledger: l, source: noSource{}, pseudonyms: names,
		queue: ari.NewQueue(0), node: node, runID: rand.Text(), loggedTypes: map[string]bool{},
		loggedExts: map[string]bool{}, trunks: map[string]bool{},
		asker: newAsker(lookups.ByNumber{}, m, log), mediator: mediation.New(trunkRules(tb, names)),
		deskBackend: &deskBackend{
			metrics: m, log: log, messages: make(chan deskMessage, maxMessages), wanted: make(chan struct{}, 1),
			calls: map[metering.CallID]deskCall{}, arrival: make(chan struct{}), waits: newWaitBook(),
		},
	}
}

func pseudonyms(tb testing.TB) *metering.Pseudonyms {
	tb.Helper()
	p, err := metering.ParseKeys("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func trunkRules(tb testing.TB, names *metering.Pseudonyms) mediation.Rules {
	tb.Helper()
	operators, err := mediation.NewGlobs("PJSIP/agent*")
	if err != nil {
		tb.Fatal(err)
	}
	return mediation.Rules{
		Service:   func(c ari.Channel) (string, bool) { return "help", c.Endpoint() == "PJSIP/trunk" },
		Operators: operators, Pseudonym: names.Of, Encrypt: names.Encrypt,
		Terms: func(string, time.Time) metering.Terms { return metering.Terms{Tariff: &standard} },
	}
}
