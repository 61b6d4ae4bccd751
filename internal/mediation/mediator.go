// Package mediation joins the pure rooms: events of one PBX in; facts, evidence and records out, ready for one commit.
//
// The running gateway, `replay`, `explain` and the rebuilding of open calls after a crash all go through this one door, so the same
// frames give the same bytes in each of them. It has no clock, does no I/O and starts no goroutine.
package mediation

import (
	"fmt"
	"strings"
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/talkpath"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/evidence"
	"github.com/risposta/gateway/metering/ledger"
)

// Rules are what the configuration says of calls.
type Rules struct {
	Service      func(ari.Channel) (name string, ok bool)
	Operators    Globs
	Terms        func(service string, arrived time.Time) metering.Terms
	Pseudonym    func(metering.Number) string
	CountryCode  string
	AskExemption bool
	// NumberKind says of what kind a dialled number is, "" where it is none; nil: nobody asks.
	NumberKind func(dialled string) string
	// Encrypt encrypts a caller's number for the ledger, where it waits until it is known whether the caller is exempt; nil: nothing is kept.
	Encrypt func(metering.Number) []byte
}

// Ask is a question for the lookup: is the caller of this call exempt, as of At?
type Ask struct {
	Call   metering.CallID
	Number metering.Number
	At     time.Time
}

// Mediator follows one PBX. One goroutine uses it.
type Mediator struct {
	rules    Rules
	graph    *talkpath.Graph
	meter    *metering.Meter
	digests  map[metering.CallID]*evidence.Digest // of the evidence of each open call so far
	sure     time.Time
	pbxClock ari.Clock
	sealed   map[metering.CallID][]byte
	surveys  map[metering.CallID]*metering.Survey
	clock    map[metering.CallID]time.Time // the latest instant of each open call's facts: when a lookup's answer counts as given
}

// New makes a pipeline that has seen nothing.
func New(r Rules) *Mediator {
	return &Mediator{
		rules: r,
		graph: talkpath.New(talkpath.Rules{Service: r.Service, Operator: r.Operators.Match}),
		meter: metering.NewMeter(), digests: map[metering.CallID]*evidence.Digest{}, clock: map[metering.CallID]time.Time{},
		sealed: map[metering.CallID][]byte{}, surveys: map[metering.CallID]*metering.Survey{},
	}
}

// Output gathers what steps came to, until it is committed.
type Output struct {
	ledger.Batch
	Facts  []metering.Fact
	Asks   []Ask
	Calls  []*metering.Call // those that ended, beside their records
	Events []ari.Event      // of evidence that was replayed
	// Heartbeats is the number of proofs of sight among the frames.
	Heartbeats int
	// ClockJumps is the number of times the PBX's clock was found set forward: a new snapshot must be asked for.
	ClockJumps int
}

// OpenCalls is the number of calls that have arrived and not ended.
func (p *Mediator) OpenCalls() int { return p.meter.Len() }

// Size is the number of things held in memory for calls and channels: zero on an idle PBX.
func (p *Mediator) Size() int {
	return p.graph.Size() + p.meter.Len() + len(p.digests) + len(p.clock) + len(p.sealed) + len(p.surveys)
}

// Call returns an open call, or nil. The caller must not change it.
func (p *Mediator) Call(id metering.CallID) *metering.Call { return p.meter.Call(id) }

// Step takes in one event and adds to out.
func (p *Mediator) Step(ev ari.Event, out *Output) {
	if p.survey(ev, out) {
		return
	}
	p.classify(&ev)
	res := p.graph.Step(ev)
	for i := range res.Facts {
		if f := &res.Facts[i]; f.Kind == metering.CallArrived {
			p.arrive(f, res.Facts[i+1:], out)
		}
	}
	for _, t := range res.Shares {
		if t.LegSnapshot != nil {
			p.addEvidence(t.Call, ari.EncodeEvidence(ari.Event{Kind: ari.LegSnapshot, At: ev.At, Node: ev.Node, Snapshot: t.LegSnapshot}), out)
		}
		share := ev
		if ev.Kind == ari.SnapshotTaken {
			share.Snapshot = t.Snapshot
		}
		p.addEvidence(t.Call, ari.EncodeEvidence(share), out)
	}
	for _, f := range res.Facts {
		p.apply(f, out)
	}
}

// classify says of what kind the dialled number is, and lets go of the number. Where the number is the name of the endpoint it was dialled by, it is no
// number of the world outside; nor is the extension of an operator's phone.
func (p *Mediator) classify(ev *ari.Event) {
	dialled := ev.Dialled
	ev.Dialled = ""
	if dialled == "" || p.rules.NumberKind == nil {
		return
	}
	if ev.Kind == ari.Dial {
		endpoint := ev.Channel.Endpoint()
		if _, name, _ := strings.Cut(endpoint, "/"); name == dialled[strings.LastIndexByte(dialled, '/')+1:] || p.rules.Operators.Match(endpoint) {
			return
		}
	} else if p.rules.Operators.Match("PJSIP/" + dialled) {
		return
	}
	ev.NumberKind = p.rules.NumberKind(dialled)
}

// survey takes in what belongs to the front desk: that a caller has come there; a survey's beginning, each key, the end. Nothing else happens to the call by them.
func (p *Mediator) survey(ev ari.Event, out *Output) bool {
	call := metering.CallID(ev.Channel.ID)
	switch ev.Kind {
	case ari.StasisStart:
		if len(ev.Args) == 0 || p.meter.Call(call) == nil {
			return true
		}
		switch ev.Args[0] {
		case ari.AskSurvey:
			p.surveys[call] = &metering.Survey{}
			p.addEvidence(call, ari.EncodeEvidence(ev), out)
		case ari.AskAnnouncement:
			p.addEvidence(call, ari.EncodeEvidence(ev), out)
			p.apply(metering.Fact{Kind: metering.CallerAtDesk, Call: call, At: ev.At}, out)
		}
	case ari.ChannelDtmfReceived:
		s := p.surveys[call]
		if s == nil {
			return true
		}
		answered := *s
		if answered.Answer(ev.Digit) {
			p.surveys[call] = &answered
			p.addEvidence(call, ari.EncodeEvidence(ev), out)
			p.apply(metering.Fact{Kind: metering.SurveyAnswered, Call: call, At: ev.At, Survey: &answered}, out)
		}
	case ari.StasisEnd:
		delete(p.surveys, call)
	case ari.PlaybackFinished:
	default:
		return false
	}
	return true
}

// arrive fills in what the configuration knows, writes the header, and asks the lookup.
func (p *Mediator) arrive(f *metering.Fact, rest []metering.Fact, out *Output) {
	terms := p.rules.Terms(f.Service, f.At)
	terms.AskExemption = p.rules.AskExemption
	number := p.Normal(f.Number)
	f.Terms, f.Caller, f.Number = &terms, p.rules.Pseudonym(number), metering.Number{}
	unseen := ""
	if len(rest) > 0 && rest[0].Kind == metering.GapStarted && rest[0].Call == f.Call {
		unseen = rest[0].Why
	}
	p.open(*f, out)
	if p.rules.Encrypt != nil && p.rules.AskExemption {
		if sealed := p.rules.Encrypt(number); sealed != nil {
			p.sealed[f.Call] = sealed
			out.Opened[len(out.Opened)-1].EncryptedCaller = sealed
		}
	}
	p.addEvidence(f.Call, evidence.NewCall(*f, p.rules.Operators.Patterns(), unseen), out)
	if p.rules.AskExemption {
		out.Asks = append(out.Asks, Ask{Call: f.Call, Number: number, At: f.At})
	}
}

// Normal brings a number as the PBX gave it to the one form under which callers are known.
func (p *Mediator) Normal(n metering.Number) metering.Number {
	return metering.NewNumber(n.Clear(), p.rules.CountryCode)
}

func (p *Mediator) open(f metering.Fact, out *Output) {
	p.digests[f.Call] = evidence.NewDigest()
	out.Opened = append(out.Opened, ledger.OpenCall{Call: f.Call, Node: f.Node, Service: f.Service, ArrivedAt: f.At})
}

func (p *Mediator) addEvidence(call metering.CallID, frame []byte, out *Output) {
	d := p.digests[call]
	if d == nil {
		panic(fmt.Sprintf("mediation: evidence for call %s, which is not open", call))
	}
	d.Add(frame)
	out.Evidence = append(out.Evidence, ledger.Evidence{Call: call, Frame: frame})
}

func (p *Mediator) apply(f metering.Fact, out *Output) {
	out.Facts = append(out.Facts, f)
	if f.At.After(p.clock[f.Call]) {
		p.clock[f.Call] = f.At
	}
	ended := p.meter.Apply(f)
	if ended == nil {
		return
	}
	rec := metering.NewRecord(ended, p.digests[f.Call].Evidence())
	out.Records = append(out.Records, rec)
	out.Calls = append(out.Calls, ended)
	if sealed := p.sealed[f.Call]; rec.State == metering.RecordPending && sealed != nil {
		out.Pending = append(out.Pending, ledger.PendingRecord{Call: f.Call, ArrivedAt: ended.ArrivedAt, EncryptedCaller: sealed})
	}
	delete(p.digests, f.Call)
	delete(p.clock, f.Call)
	delete(p.sealed, f.Call)
	delete(p.surveys, f.Call)
}

// Admit takes in what the front desk told a caller, and heard. It counts from the latest instant the call has seen; for a call that has ended it is too
// late, and changes nothing.
func (p *Mediator) Admit(call metering.CallID, a metering.Announcement, out *Output) {
	if p.meter.Call(call) == nil {
		return
	}
	at := p.clock[call]
	p.addEvidence(call, evidence.NewAnnouncement(call, at, a), out)
	p.apply(metering.Fact{Kind: metering.AnnouncementMade, Call: call, At: at, Announcement: &a}, out)
}

// EncryptedCaller is the caller's number of an open call, as the ledger keeps it; nil where it is not known.
func (p *Mediator) EncryptedCaller(call metering.CallID) []byte { return p.sealed[call] }

// SetEncryptedCaller gives a rebuilt call the caller's number back, as the ledger kept it.
func (p *Mediator) SetEncryptedCaller(call metering.CallID, sealed []byte) {
	if sealed != nil && p.meter.Call(call) != nil {
		p.sealed[call] = sealed
	}
}

// Answer takes in a lookup's answer. It comes at no time of its own: it counts from the latest instant the call has seen. An
// answer for a call that has ended is too late, and changes nothing.
func (p *Mediator) Answer(call metering.CallID, e metering.Exemption, out *Output) {
	if p.meter.Call(call) == nil {
		return
	}
	at := p.clock[call]
	p.addEvidence(call, evidence.NewExemption(call, at, e), out)
	p.apply(metering.Fact{Kind: metering.ExemptionAnswered, Call: call, At: at, Exemption: e}, out)
}
