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
	file := filepath.Join(in.dir, "ledger.db")
	for what, c := range map[string]struct {
		where string
		want  int
	}{
		"first versions":         {`version = 1`, l.calls},
		"exempt":                 {`version = 1 AND json_extract(json, '$.exempt') = 1`, len(liveServices)},
		"pending, then resolved": {`CAST(json AS TEXT) LIKE '%"resolved"%' AND version = 2`, len(liveServices)},
		"credited":               {`CAST(json AS TEXT) LIKE '%"credited"%'`, len(liveServices)},
		"charged in euros, yen and dinars": {`json_extract(json, '$.charge.amount') > '0.00' AND version = 1`,
			2 * len(liveServices)}, // of who pays, and of who is credited later
	} {
		got := countRecords(in.ctx, t, file, ofLive+" AND "+c.where)
		t.Logf("%d live versions: %s", got, what)
		if got != c.want {
			t.Errorf("%d live versions are %s, want %d", got, what, c.want)
		}
	}
}
