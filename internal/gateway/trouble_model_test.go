package gateway

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"go.uber.org/zap"
	"pgregory.net/rapid"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
)

// modelCall is one call of the model's two PBXs.
type modelCall struct {
	id              ari.ChannelID
	pbx             int
	troubled, ended bool
	seen            bool // by a run that has committed: a crash may lose a call that was short
}

// troubleModel is two PBXs whose calls are metered twice: on a ledger with contradictions about
// some of the calls, and on one without those calls. Healthy calls must not notice.
type troubleModel struct {
	t        *rapid.T
	tb       testing.TB
	prefix   string // of this check's ids: all checks share two ledgers
	path     string // of the troubled ledger
	stores   [2]ledger.Store
	workers  [2][2]*pbxWorker // troubled and clean, each with one for each PBX
	calls    []*modelCall
	second   float64
	arrivals int
}

const (
	troubled = 0
	clean    = 1
)

func (m *troubleModel) node(pbx int) string { return fmt.Sprintf("%spbx%d", m.prefix, pbx) }

// start makes the workers of a run. Each takes a snapshot of what its PBX has.
func (m *troubleModel) start() {
	m.calls = slices.DeleteFunc(m.calls, func(c *modelCall) bool { return c.ended && !c.seen })
	for world, l := range m.stores {
		for pbx := range 2 {
			w := workerOn(m.tb, l, m.node(pbx), zap.NewNop())
			s := &ari.Snapshot{At: at(m.second), Node: m.node(pbx)}
			for _, c := range m.calls {
				if c.pbx == pbx && !c.ended && (world == troubled || !c.troubled) {
					one := snapshot(m.second, c.id)
					s.Legs = append(s.Legs, one.Legs...)
					s.Bridges = append(s.Bridges, one.Bridges...)
				}
			}
			w.queue.Put(ari.Frame{Event: &ari.Event{
				Kind: ari.SnapshotTaken, At: s.At, Node: s.Node, Snapshot: s,
			}})
			m.workers[world][pbx] = w
		}
	}
	m.work()
}

// send passes events to both worlds. The clean one gets a heartbeat for those of a troubled call.
func (m *troubleModel) send(c *modelCall, evs []ari.Event) {
	for i := range evs {
		m.workers[troubled][c.pbx].puts(evs[i])
		if c.troubled {
			evs[i] = ari.Event{Kind: ari.Heartbeat, At: evs[i].At}
		}
		m.workers[clean][c.pbx].puts(evs[i])
	}
}

func (m *troubleModel) work() {
	for _, c := range m.calls {
		c.seen = true
	}
	for world := range m.workers {
		for _, w := range m.workers[world] {
			if err := w.drain(); err != nil {
				m.t.Fatalf("a run ends: %v", err)
			}
		}
	}
}

// end hangs up whatever is left, and lets a last run find empty PBXs.
func (m *troubleModel) end() {
	m.second++
	for _, c := range m.calls {
		if !c.ended {
			c.ended = true
			m.send(c, leaves(c.id, m.second))
		}
	}
	m.work()
	m.second++
	m.start()
}

// check compares the worlds.
func (m *troubleModel) check() {
	for world, l := range m.stores {
		for pbx := range 2 {
			open, err := l.OpenCalls(context.Background(), m.node(pbx))
			if err != nil || len(open) > 0 {
				m.t.Errorf("in world %d are open: %+v, %v; want none", world, open, err)
			}
		}
	}
	for _, c := range m.calls {
		call := metering.CallID(c.id)
		got, err := m.stores[troubled].Versions(context.Background(), call)
		if err != nil || len(got) != 1 {
			m.t.Errorf("call %s (troubled: %v) has %d records, %v; want one", call, c.troubled, len(got), err)
			continue
		}
		if c.troubled {
			continue
		}
		want, err := m.stores[clean].Versions(context.Background(), call)
		if err != nil || len(want) != 1 || string(got[0]) != string(want[0]) {
			m.t.Errorf("healthy call %s has the record\n%s\nwithout trouble, %v:\n%s", call, got, err, want)
		}
		recordIn(m.tb, m.stores[troubled], call)
	}
}

// Whatever contradictions there are about some calls, over restarts: no run ends, each call ends in
// one first record, and the others' records are those of a world without the trouble.
func TestTroubleOfSomeCallsIsNotOthers(t *testing.T) {
	dir, checks := t.TempDir(), 0
	var stores [2]ledger.Store
	for world := range stores {
		path := filepath.Join(dir, fmt.Sprint(world))
		l, err := ledger.Open(t.Context(), path, ledger.Exclusive)
		if err != nil {
			t.Fatal(err)
		}
		stores[world] = l
	}
	rapid.Check(t, func(rt *rapid.T) {
		checks++
		m := &troubleModel{
			t: rt, tb: t, prefix: fmt.Sprintf("%dc", checks), path: filepath.Join(dir, "0"),
			stores: stores,
		}
		m.start()
		actions := map[string]func(){
			"a caller arrives":                    func() { m.arrive(false) },
			"a caller arrives who brings trouble": func() { m.arrive(true) },
			"a call is put on hold":               m.hold,
			"a caller hangs up":                   m.hangUp,
			"a call is reported again":            m.again,
			"the ledger is changed":               m.damage,
			"a call is left open":                 m.reopen,
			"a run loses a call":                  m.lose,
			"a batch contradicts":                 m.poison,
			"the batch is committed":              m.work,
			"the gateway restarts":                m.restart,
		}
		repeat := map[string]func(*rapid.T){}
		for name, act := range actions {
			repeat[name] = func(rt *rapid.T) { m.t = rt; act() }
		}
		rt.Repeat(repeat)
		m.t = rt
		m.end()
		m.check()
	})
	if err := errors.Join(stores[0].Close(), stores[1].Close()); err != nil {
		t.Error(err)
	}
}
