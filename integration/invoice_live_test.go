//go:build live

package integration

import (
	"context"
	"path/filepath"
	"sync"
	"testing"

	"github.com/risposta/gateway/integration/lab"
)

// livePhones are the real PBX of an invoice, whose calls go into the same ledger as the replayed ones.
type livePhones struct {
	*harness
	calls int
}

// liveServices are those of invoiceConfig, by their numbers on either PBX.
var liveServices = []service{
	servedBy("op1", "euros", queued), servedBy("op2", "yen", queued), servedBy("op3", "dinars", queued),
}

// newLivePhones starts Asterisk, and an operator for each service.
func newLivePhones(ctx context.Context, t *testing.T) *livePhones {
	t.Helper()
	l := &livePhones{harness: newHarness(t, liveServices, nil)}
	l.ctx = ctx // an invoice takes longer than one call
	for _, s := range liveServices {
		p, err := lab.StartOperator(ctx, t.TempDir(), lab.Plan{
			Script: lab.Called(half).WaitBye(), Port: l.ports[s.agents[0]], Server: l.pbx.SIPPort, Many: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.Stop)
	}
	return l
}

// call makes a call to each service of each caller, whose talk takes two seconds, one caller after the
// other.
func (l *livePhones) call(t *testing.T, callers ...string) {
	t.Helper()
	for _, caller := range callers {
		var all sync.WaitGroup
		for i := range liveServices {
			p := l.dials(t, caller, numberOf(i), lab.Calls().Pause(2*second).Bye())
			all.Go(func() {
				if err := p.Wait(l.ctx); err != nil {
					t.Error(err)
				}
			})
			l.calls++
		}
		all.Wait()
	}
}

// The callers of the live calls: see [invoice.exempt].
const (
	liveExempt   = "+390612340001"
	liveCredited = "+390612340004"
	livePays     = "+390612340005"
	livePending  = "+390612340006"
)

// wantLive checks by SQL that the ledger has the live calls, and what has become of them.
func (in *invoice) wantLive(t *testing.T, l *livePhones) {
	t.Helper()
	const ofLive = `json_extract(json, '$.trunk') LIKE 'PJSIP/%' AND EXISTS (SELECT 1 FROM record o
		WHERE o.call = record.call AND json_extract(o.json, '$.talk[0].operator') LIKE 'PJSIP/op%')`
	const newest = `NOT EXISTS (SELECT 1 FROM record n WHERE n.call = record.call AND n.version > record.version)`
	const was = `EXISTS (SELECT 1 FROM record b WHERE b.call = record.call AND b.version < record.version AND `
	file := filepath.Join(in.dir, "ledger.db")
	services := len(liveServices)
	for what, c := range map[string]struct {
		where string
		least int // a busy machine may make more records pending
		most  int
	}{
		"calls":             {`version = 1`, l.calls, l.calls},
		"exempt in the end": {newest + ` AND json_extract(json, '$.exempt') = 1`, 2 * services, 2 * services},
		"charged in the end, in euros, yen and dinars": {
			newest + ` AND ` + charges("record"), 2 * services, 2 * services,
		},
		"pending, then resolved": {
			`CAST(json AS TEXT) LIKE '%"resolved"%' AND ` + was + `json_extract(b.json, '$.state') = 'pending')`,
			services, 2 * l.calls,
		},
		"charged, then credited": {
			`CAST(json AS TEXT) LIKE '%"credited"%' AND ` + was + charges("b") + `)`, services, services,
		},
	} {
		got := countRecords(in.ctx, t, file, ofLive+" AND "+c.where)
		t.Logf("%d live versions: %s", got, what)
		if got < c.least || got > c.most {
			t.Errorf("%d live versions: %s; want %d to %d", got, what, c.least, c.most)
		}
	}
}

// charges is the SQL of a version with an amount over 0, in whatever number of decimals.
func charges(table string) string {
	return `CAST(replace(json_extract(` + table + `.json, '$.charge.amount'), '.', '') AS INTEGER) > 0`
}
