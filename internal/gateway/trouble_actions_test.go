package gateway

import (
	"context"
	"fmt"
	"slices"

	"pgregory.net/rapid"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/tariff"
)

// What can happen to the model's calls. An action that does not apply does nothing.

func (m *troubleModel) pass() { m.second += float64(rapid.IntRange(1, 15).Draw(m.t, "seconds")) }

func (m *troubleModel) arrive(isTroubled bool) {
	m.pass()
	c := &modelCall{
		id:  ari.ChannelID(fmt.Sprintf("%s%d", m.prefix, m.arrivals)),
		pbx: rapid.IntRange(0, 1).Draw(m.t, "pbx"), troubled: isTroubled,
	}
	if isTroubled && rapid.IntRange(0, 3).Draw(m.t, "entered before") == 0 {
		m.enter(c)
	}
	m.arrivals++
	m.calls = append(m.calls, c)
	m.send(c, arrives(c.id, m.second))
}

// enter is what `reconcile --apply` writes of a call that the gateway did not see.
func (m *troubleModel) enter(c *modelCall) {
	err := m.stores[troubled].Supersede(context.Background(), &ledger.Supersession{
		Call: metering.CallID(c.id), Records: []metering.Record{m.recordOf(c.id)},
	})
	if err != nil {
		m.t.Fatal(err)
	}
}

func (m *troubleModel) recordOf(id ari.ChannelID) metering.Record {
	return metering.Record{
		Record: "r-" + string(id), Version: 1, Call: metering.CallID(id), Service: "help",
		ArrivedAt: metering.Time{Time: at(m.second)}, EndedAt: metering.Time{Time: at(m.second)},
		Charge: tariff.Zero(&standard),
	}
}

func (m *troubleModel) pick(matches func(*modelCall) bool) *modelCall {
	var found []*modelCall
	for _, c := range m.calls {
		if matches(c) {
			found = append(found, c)
		}
	}
	if len(found) == 0 {
		return nil
	}
	return rapid.SampledFrom(found).Draw(m.t, "call")
}

func (m *troubleModel) hangUp() {
	m.pass()
	if c := m.pick(func(c *modelCall) bool { return !c.ended }); c != nil {
		c.ended = true
		m.send(c, leaves(c.id, m.second))
	}
}

// hold puts a call on hold, or ends that.
func (m *troubleModel) hold() {
	m.pass()
	if c := m.pick(func(c *modelCall) bool { return !c.ended }); c != nil {
		kind := rapid.SampledFrom([]ari.Kind{ari.ChannelHold, ari.ChannelUnhold}).Draw(m.t, "kind")
		m.toggle(c, kind)
	}
}

func (m *troubleModel) toggle(c *modelCall, kind ari.Kind) {
	m.send(c, []ari.Event{{Kind: kind, At: at(m.second), Channel: operatorOf(c.id)}})
}

// again reports a troubled call as new once more, on its PBX or on the other.
func (m *troubleModel) again() {
	m.pass()
	c := m.pick(func(c *modelCall) bool { return c.troubled })
	if c == nil {
		return
	}
	other := *c
	other.pbx = rapid.IntRange(0, 1).Draw(m.t, "pbx")
	m.send(&other, slices.Concat(arrives(c.id, m.second), leaves(c.id, m.second+1)))
	m.second++
	if other.pbx == c.pbx {
		c.ended = true
	}
}

// damage changes what the troubled ledger holds of a call, behind the gateway's back.
func (m *troubleModel) damage() {
	c := m.pick(func(c *modelCall) bool { return c.troubled })
	if c == nil {
		return
	}
	// Without its row a call is known to the run alone: one that the run has lost leaves no trace.
	m.work()
	if m.workers[troubled][c.pbx].mediator.Call(metering.CallID(c.id)) == nil {
		return
	}
	query := rapid.SampledFrom([]string{
		tornEvidence,
		`DELETE FROM open_call WHERE call = ?1`,
	}).Draw(m.t, "query")
	change(m.tb, m.path, query, string(c.id))
	m.toggle(c, ari.ChannelHold) // the run notices what is missing as the call goes on
	m.work()
}

// reopen leaves a call open that has its record.
func (m *troubleModel) reopen() {
	if c := m.pick(func(c *modelCall) bool { return c.troubled && c.ended }); c != nil {
		change(m.tb, m.path, `INSERT OR IGNORE INTO open_call (call, node, service, arrived_at)
			SELECT call, ?2, service, arrived_at FROM record WHERE call = ?1`,
			string(c.id), m.node(c.pbx))
	}
}

// lose makes a run lose a call that it meters.
func (m *troubleModel) lose() {
	if c := m.pick(func(c *modelCall) bool { return c.troubled }); c != nil {
		m.workers[troubled][c.pbx].mediator.Drop(metering.CallID(c.id))
	}
}

// poison commits a batch that contradicts itself or the ledger about some troubled calls.
func (m *troubleModel) poison() {
	var out mediation.Output
	w := m.workers[troubled][rapid.IntRange(0, 1).Draw(m.t, "pbx")]
	for range rapid.IntRange(1, 3).Draw(m.t, "contradictions") {
		c := m.pick(func(c *modelCall) bool { return c.troubled && c.ended })
		if c == nil {
			return
		}
		oc := ledger.OpenCall{Call: metering.CallID(c.id), Service: "help", ArrivedAt: at(m.second)}
		switch rapid.IntRange(0, 2).Draw(m.t, "kind") {
		case 0:
			out.Opened = append(out.Opened, oc, oc)
		case 1:
			out.Opened = append(out.Opened, oc)
			out.Evidence = append(out.Evidence, ledger.Evidence{Call: oc.Call, Frame: []byte("{}")})
			out.Records = append(out.Records, m.recordOf(c.id), m.recordOf(c.id))
		default:
			out.Evidence = append(out.Evidence, ledger.Evidence{Call: oc.Call, Frame: []byte("{}")})
		}
	}
	m.work() // the calls that were picked have ended
	if err := w.finish(context.Background(), &out); err != nil {
		m.t.Fatalf("a run ends: %v", err)
	}
}

// restart ends both runs, after a crash without what waits in the queues, and begins new ones.
func (m *troubleModel) restart() {
	m.pass()
	if rapid.Bool().Draw(m.t, "the queues are drained") {
		m.work()
	}
	m.start()
}
