// Package mediation turns the events of one PBX into billable records.
//
// In: the frames of a PBX from an [ari.Source] or a recording, the answers of exemption lookups,
// the announcements of the front desk. Out: an [Output] that is ready for one commit: facts,
// evidence, records, questions for the lookup.
//
// The running gateway, `replay`, `explain` and the rebuilding of open calls after a crash all use
// the same [Mediator], so the same frames give the same bytes in each of them. The package has no
// clock, does no I/O and starts no goroutine. Package talkpath decides who talks with whom, package
// metering what a call costs; this one joins them.
package mediation

import (
	"fmt"
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/talkpath"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/evidence"
	"github.com/risposta/gateway/metering/ledger"
)

// Rules are what the configuration says of calls.
type Rules struct {
	// Service names the metered service that a caller's channel has entered.
	Service func(ari.Channel) (name string, ok bool)
	// ServiceContext reports whether a metered service is in this dialplan context. Nil: calls that
	// match no service are not counted.
	ServiceContext func(context string) bool
	// Operators are the endpoints whose legs are operators'.
	Operators Globs
	// Terms are what a call is charged by, given its service and its arrival.
	Terms func(service string, arrived time.Time) metering.Terms
	// Pseudonym replaces a caller's number, of several readings the likeliest.
	Pseudonym func(metering.Number) string
	// ReadCaller reads a caller's number as the PBX gave it, on a channel of an endpoint. understood is
	// false where the PBX gave one that no numbering plan has. Nil: numbers are taken as given.
	ReadCaller func(endpoint string, given metering.Number) (n metering.Number, understood bool)
	// AskExemption puts an [Ask] for each call, and charges none before an answer.
	AskExemption bool
	// NumberKind is the kind of what was dialled for a channel of an endpoint, "" for what is no
	// number. Without an endpoint it is an extension, to which a call was transferred. Nil: numbers are
	// not checked.
	NumberKind func(endpoint, dialled string) string
	// ProbeEvery is how often, while talk runs, the PBX is asked whether packets come from the legs.
	// Zero: there is no PBX to ask.
	ProbeEvery time.Duration
	// RecordName makes a new name for the ids of one call's records, which leads nowhere when the
	// call's detail is erased. Nil: the ids follow from the call's, the same each time.
	RecordName func() string
	// Encrypt encrypts a caller's number for the ledger, where it waits until the lookup has answered.
	// Nil: it is not kept.
	Encrypt func(metering.Number) []byte
}

// ofGraph are those of the rules that the graph goes by.
func (r Rules) ofGraph() talkpath.Rules {
	return talkpath.Rules{
		Service: r.Service, Operator: r.Operators.Match, ProbeEvery: r.ProbeEvery,
		ServiceContext: r.ServiceContext,
	}
}

// Ask is a question for the lookup: is the caller of this call exempt, as of At?
type Ask struct {
	Call   metering.CallID
	Number metering.Number
	Trunk  string // that the call came in on
	At     time.Time
}

// Mediator follows one PBX. It is used by one goroutine.
type Mediator struct {
	rules     Rules
	graph     *talkpath.Graph
	meter     *metering.Meter
	watermark time.Time
	pbxClock  ari.Clock
	// Of each open call: the digest of its evidence so far; the latest instant of its facts, which is
	// when a lookup's answer counts as given; the caller's number, encrypted; a survey in progress.
	digests   map[metering.CallID]*evidence.Digest
	latest    map[metering.CallID]time.Time
	encrypted map[metering.CallID][]byte
	surveys   map[metering.CallID]*metering.Survey
	// Of each open call that arrived under other operators than the present ones: those.
	former   map[metering.CallID]Globs
	replaced []replaced // rules that a gap may still need
}

// New makes a mediator that has seen nothing.
func New(r Rules) *Mediator {
	return &Mediator{
		rules:     r,
		graph:     talkpath.New(r.ofGraph()),
		meter:     metering.NewMeter(),
		digests:   map[metering.CallID]*evidence.Digest{},
		latest:    map[metering.CallID]time.Time{},
		encrypted: map[metering.CallID][]byte{},
		surveys:   map[metering.CallID]*metering.Survey{},
		former:    map[metering.CallID]Globs{},
	}
}

// Output gathers what frames came to, until it is committed.
type Output struct {
	ledger.Batch
	Facts  []metering.Fact
	Asks   []Ask
	Calls  []*metering.Call // those that ended, one for each first record
	Events []ari.Event      // of evidence that was replayed
	// SetAside are calls that are metered no further because of trouble of their own.
	SetAside []SetAside
	// Heartbeats counts the source's heartbeats among the frames.
	Heartbeats int
	// Unmatched are calls that have ended and never were on a metered service.
	Unmatched []talkpath.Unmatched
	// Requests are what the PBX is to be asked.
	Requests []ari.ProbeRequest
	// Resync, where not empty, is the reason for which the source must be asked for a new snapshot.
	Resync string
	// ClockJumps counts how often the PBX's clock was found set forward. The reader must then ask the
	// source for a new snapshot.
	ClockJumps int
}

// OpenCalls is the number of calls that have arrived and not ended.
func (m *Mediator) OpenCalls() int { return m.meter.Len() }

// Size is the number of things held in memory for calls and channels: zero on an idle PBX.
func (m *Mediator) Size() int {
	return m.graph.Size() + m.meter.Len() +
		len(m.digests) + len(m.latest) + len(m.encrypted) + len(m.surveys) +
		len(m.former) + len(m.replaced)
}

// Call returns an open call, or nil. Do not change it.
func (m *Mediator) Call(id metering.CallID) *metering.Call { return m.meter.Call(id) }

// EachCall calls f with each open call, in no order. f changes neither the call nor the mediator.
func (m *Mediator) EachCall(f func(*metering.Call)) { m.meter.Each(f) }

// Step takes in one event and adds to out.
func (m *Mediator) Step(ev ari.Event, out *Output) {
	if m.stepDesk(ev, out) {
		return
	}
	m.classifyNumber(&ev)
	res := m.graph.Step(ev)
	for i := range res.Facts {
		if f := &res.Facts[i]; f.Kind == metering.CallArrived {
			m.arrive(f, m.rulesFor(&ev, f.At), res.Facts[i+1:], out)
		}
	}
	for _, s := range res.Shares {
		m.appendShare(ev, s, out)
	}
	for _, f := range res.Facts {
		if f.Kind == metering.CallerIdentified {
			m.identify(f, out)
			continue
		}
		m.apply(f, out)
	}
	m.forgetReplaced(ev)
	out.Unmatched = append(out.Unmatched, res.Unmatched...)
	out.Requests = append(out.Requests, res.Requests...)
	if res.Resync != "" {
		out.Resync = res.Resync
	}
}

// appendShare adds the event to the evidence of a call that it belongs to.
func (m *Mediator) appendShare(ev ari.Event, s talkpath.EvidenceShare, out *Output) {
	if ev.NumberKind != "" && ev.Phone != "" && m.operatorsOf(s.Call).Match(ev.Phone) {
		ev.NumberKind = ""
	}
	if s.Event != nil {
		m.appendEvidence(s.Call, ari.EncodeEvidence(*s.Event), out)
		return
	}
	if s.LegSnapshot != nil {
		legs := ari.Event{Kind: ari.LegSnapshot, At: ev.At, Node: ev.Node, Snapshot: s.LegSnapshot}
		m.appendEvidence(s.Call, ari.EncodeEvidence(legs), out)
	}
	if ev.Kind == ari.SnapshotTaken {
		ev.Snapshot = s.Snapshot
	}
	m.appendEvidence(s.Call, ari.EncodeEvidence(ev), out)
}

func (m *Mediator) appendEvidence(call metering.CallID, frame []byte, out *Output) {
	d := m.digests[call]
	if d == nil {
		panic(fmt.Sprintf("mediation: evidence for call %s, which is not open", call))
	}
	d.Add(frame)
	out.Evidence = append(out.Evidence, ledger.Evidence{Call: call, Frame: frame})
}

// apply gives a fact to the meter, and makes the record of a call that it ends.
func (m *Mediator) apply(f metering.Fact, out *Output) {
	out.Facts = append(out.Facts, f)
	if f.At.After(m.latest[f.Call]) {
		m.latest[f.Call] = f.At
	}
	ended := m.meter.Apply(f)
	if ended == nil {
		return
	}
	rec := metering.NewRecord(ended, m.digests[f.Call].Evidence())
	out.Records = append(out.Records, rec)
	out.Calls = append(out.Calls, ended)
	number := m.encrypted[f.Call]
	if rec.State == metering.RecordPending && number != nil {
		out.Pending = append(out.Pending, ledger.PendingRecord{
			Call: f.Call, ArrivedAt: ended.ArrivedAt, EncryptedCaller: number,
		})
	}
	m.forget(f.Call)
}

// forget drops what is held of a call beside the graph and the meter.
func (m *Mediator) forget(call metering.CallID) {
	delete(m.digests, call)
	delete(m.latest, call)
	delete(m.encrypted, call)
	delete(m.surveys, call)
	delete(m.former, call)
}
