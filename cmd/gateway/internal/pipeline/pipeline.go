// Package pipeline joins the pure rooms: events of one PBX in; facts, evidence and records out, ready for one commit.
//
// The running gateway, `replay`, `explain` and the rebuilding of open calls after a crash all go through this one door, so the same
// frames give the same bytes in each of them. It has no clock, does no I/O and starts no goroutine.
package pipeline

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/talkpath"
	"github.com/risposta/gateway/metering"
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
}

// Ask is a question for the lookup: is the caller of this call exempt, as of At?
type Ask struct {
	Call   metering.CallID
	Number metering.Number
	At     time.Time
}

// Pipeline follows one PBX. One goroutine uses it.
type Pipeline struct {
	rules    Rules
	graph    *talkpath.Graph
	meter    *metering.Meter
	proofs   map[metering.CallID]*proof
	sure     time.Time
	pbxClock clock
	clock    map[metering.CallID]time.Time // the latest instant of each open call's facts: when a lookup's answer counts as given
}

// proof is the evidence of one open call so far: its frames counted and hashed.
type proof struct {
	frames int
	hash   hash.Hash
}

// New makes a pipeline that has seen nothing.
func New(r Rules) *Pipeline {
	return &Pipeline{
		rules: r,
		graph: talkpath.New(talkpath.Rules{Service: r.Service, Operator: r.Operators.Match}),
		meter: metering.NewMeter(), proofs: map[metering.CallID]*proof{}, clock: map[metering.CallID]time.Time{},
	}
}

// Output gathers what steps came to, until it is committed.
type Output struct {
	ledger.Batch
	Facts  []metering.Fact
	Asks   []Ask
	Calls  []*metering.Call // those that ended, beside their records
	Events []ari.Event      // of evidence that was replayed
	// Canaries is the number of proofs of sight among the frames.
	Canaries int
	// ClockJumps is the number of times the PBX's clock was found set forward: a new snapshot must be asked for.
	ClockJumps int
}

// OpenCalls is the number of calls that have arrived and not ended.
func (p *Pipeline) OpenCalls() int { return p.meter.Len() }

// Size is the number of things held in memory for calls and channels: zero on an idle PBX.
func (p *Pipeline) Size() int { return p.graph.Size() + p.meter.Len() + len(p.proofs) + len(p.clock) }

// Call returns an open call, or nil. The caller must not change it.
func (p *Pipeline) Call(id metering.CallID) *metering.Call { return p.meter.Call(id) }

// Step takes in one event and adds to out.
func (p *Pipeline) Step(ev ari.Event, out *Output) {
	res := p.graph.Step(ev)
	for i := range res.Facts {
		if f := &res.Facts[i]; f.Kind == metering.CallArrived {
			p.arrive(f, res.Facts[i+1:], out)
		}
	}
	for _, t := range res.Touched {
		if t.Introduce != nil {
			p.prove(t.Call, ari.Encode(ari.Event{Kind: ari.Introduction, At: ev.At, Node: ev.Node, Snapshot: t.Introduce}), out)
		}
		share := ev
		if ev.Kind == ari.SightRegained {
			share.Snapshot = t.Snapshot
		}
		p.prove(t.Call, ari.Encode(share), out)
	}
	for _, f := range res.Facts {
		p.apply(f, out)
	}
}

// arrive fills in what the configuration knows, writes the header, and asks the lookup.
func (p *Pipeline) arrive(f *metering.Fact, rest []metering.Fact, out *Output) {
	terms := p.rules.Terms(f.Service, f.At)
	terms.AskExemption = p.rules.AskExemption
	number := p.Normal(f.Number)
	f.Terms, f.Caller, f.Number = &terms, p.rules.Pseudonym(number), metering.Number{}
	unseen := ""
	if len(rest) > 0 && rest[0].Kind == metering.SightLost && rest[0].Call == f.Call {
		unseen = rest[0].Why
	}
	p.open(*f, out)
	p.prove(f.Call, newHeader(*f, p.rules.Operators.Patterns(), unseen), out)
	if p.rules.AskExemption {
		out.Asks = append(out.Asks, Ask{Call: f.Call, Number: number, At: f.At})
	}
}

// Normal brings a number as the PBX gave it to the one form under which callers are known.
func (p *Pipeline) Normal(n metering.Number) metering.Number {
	return metering.NewNumber(n.Clear(), p.rules.CountryCode)
}

func (p *Pipeline) open(f metering.Fact, out *Output) {
	p.proofs[f.Call] = &proof{hash: sha256.New()}
	out.Opened = append(out.Opened, ledger.OpenCall{Call: f.Call, Node: f.Node, Service: f.Service, ArrivedAt: f.At})
}

func (p *Pipeline) prove(call metering.CallID, frame []byte, out *Output) {
	pr := p.proofs[call]
	if pr == nil {
		panic(fmt.Sprintf("pipeline: evidence for call %s, which is not open", call))
	}
	pr.frames++
	pr.hash.Write(frame)
	pr.hash.Write([]byte{'\n'})
	out.Evidence = append(out.Evidence, ledger.Evidence{Call: call, Frame: frame})
}

func (p *Pipeline) apply(f metering.Fact, out *Output) {
	out.Facts = append(out.Facts, f)
	if f.At.After(p.clock[f.Call]) {
		p.clock[f.Call] = f.At
	}
	ended := p.meter.Apply(f)
	if ended == nil {
		return
	}
	pr := p.proofs[f.Call]
	rec := metering.NewRecord(ended, metering.Evidence{Events: pr.frames, Digest: "sha256:" + hex.EncodeToString(pr.hash.Sum(nil))})
	out.Records = append(out.Records, rec)
	out.Calls = append(out.Calls, ended)
	delete(p.proofs, f.Call)
	delete(p.clock, f.Call)
}

// Answer takes in a lookup's answer. It comes at no time of its own: it counts from the latest instant the call has seen. An
// answer for a call that has ended is too late, and changes nothing.
func (p *Pipeline) Answer(call metering.CallID, e metering.Exemption, out *Output) {
	if p.meter.Call(call) == nil {
		return
	}
	at := p.clock[call]
	p.prove(call, encode(exemptionFrame{
		Type: exemptionType, At: metering.Time{Time: at}, Call: call, Exempt: e.Verdict.String(), Ref: e.Ref,
	}), out)
	p.apply(metering.Fact{Kind: metering.ExemptionAnswered, Call: call, At: at, Exemption: e}, out)
}
