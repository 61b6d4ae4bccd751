package mediation

import (
	"slices"
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/evidence"
	"github.com/risposta/gateway/metering/ledger"
)

// SetAside is a call that is metered no further, and why.
type SetAside struct {
	Call metering.CallID
	Why  string
}

// NoteSetAside notes a call as set aside, once; the first reason stands.
func (o *Output) NoteSetAside(call metering.CallID, why string) {
	known := func(a SetAside) bool { return a.Call == call }
	if !slices.ContainsFunc(o.SetAside, known) {
		o.SetAside = append(o.SetAside, SetAside{Call: call, Why: why})
	}
}

// Drop forgets a call, open or not, without a record. Its channel opens no other call.
func (m *Mediator) Drop(call metering.CallID) {
	m.graph.Drop(call)
	m.meter.Drop(call)
	m.forget(call)
}

// GiveUp drops a call whose evidence cannot be replayed. It gets a record without evidence, and
// nothing is charged.
func (m *Mediator) GiveUp(oc ledger.OpenCall, out *Output) {
	m.Drop(oc.Call)
	m.digests[oc.Call] = evidence.NewDigest()
	m.apply(metering.Fact{
		Kind: metering.CallArrived, Call: oc.Call, At: oc.ArrivedAt, Node: oc.Node,
		Service: oc.Service, Terms: &metering.Terms{}, RecordName: m.recordName(oc.Node, oc.Call),
	}, out)
	m.apply(metering.Fact{
		Kind: metering.GapStarted, Call: oc.Call, At: oc.ArrivedAt, Why: ari.GapSetAside,
	}, out)
	m.apply(metering.Fact{
		Kind: metering.CallEnded, Call: oc.Call, At: oc.ArrivedAt, Why: metering.EndedUnseen,
		Unseen: true,
	}, out)
}

// EndUnseen drops a call and ends it by a replay of its evidence, at the last instant that the
// evidence names: what it shows counts, and nothing after it.
func (m *Mediator) EndUnseen(replayed *Mediator, oc ledger.OpenCall, out *Output) {
	m.Drop(oc.Call)
	at := latest(replayed.watermark, replayed.latest[oc.Call])
	last := New(m.rules)
	last.Adopt(replayed, oc.Call)
	last.SetEncryptedCaller(oc.Call, oc.EncryptedCaller)
	last.Step(ari.Event{Kind: ari.Gap, At: at, Node: oc.Node, Reason: ari.GapSetAside}, out)
	last.Step(ari.Event{
		Kind: ari.SnapshotTaken, At: at, Node: oc.Node, Snapshot: &ari.Snapshot{At: at, Node: oc.Node},
	}, out)
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// Cut takes a call out of the output, as if it had never been in it.
func (o *Output) Cut(call metering.CallID) { o.cut(call, 0, 0, 0) }

// CutAfter keeps the call as far as its first record, which was made from so many frames of the
// output, and takes the rest of it out.
func (o *Output) CutAfter(call metering.CallID, opened bool, frames int) {
	keep := 0
	if opened {
		keep = 1
	}
	o.cut(call, keep, frames, 1)
}

func (o *Output) cut(call metering.CallID, opened, frames, records int) {
	// Until the call first ends. A question is not asked about a call that has ended.
	facts, ended, pending := 0, records == 0, 0
	for i := range o.Facts {
		if f := &o.Facts[i]; f.Call == call && !ended {
			facts++
			ended = f.Kind == metering.CallEnded
		}
	}
	of := func(r *metering.Record) bool { return r.Call == call }
	o.Records = first(o.Records, records, of)
	for i := range o.Records {
		if r := &o.Records[i]; of(r) && r.State == metering.RecordPending {
			pending = 1
		}
	}
	o.Facts = first(o.Facts, facts, func(f *metering.Fact) bool { return f.Call == call })
	o.Asks = first(o.Asks, 0, func(a *Ask) bool { return a.Call == call })
	o.Calls = first(o.Calls, records, func(c **metering.Call) bool { return (*c).ID == call })
	o.Opened = first(o.Opened, opened, func(c *ledger.OpenCall) bool { return c.Call == call })
	o.Evidence = first(o.Evidence, frames, func(e *ledger.Evidence) bool { return e.Call == call })
	o.Pending = first(o.Pending, pending, func(p *ledger.PendingRecord) bool { return p.Call == call })
}

// first keeps the first n of those elements that match, and all others.
func first[T any](all []T, n int, matches func(*T) bool) []T {
	return slices.DeleteFunc(all, func(e T) bool {
		if !matches(&e) {
			return false
		}
		n--
		return n < 0
	})
}
