package mediation

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/evidence"
	"github.com/risposta/gateway/metering/ledger"
)

// arrive completes the arrival of a call from its rules, writes the first frame of its
// evidence, and asks the lookup. rest are the facts that follow the arrival.
func (m *Mediator) arrive(f *metering.Fact, r Rules, rest []metering.Fact, out *Output) {
	number := m.complete(f, r)
	unseen := ""
	if len(rest) > 0 && rest[0].Kind == metering.GapStarted && rest[0].Call == f.Call {
		unseen = rest[0].Why
	}
	m.open(*f, out)
	if m.rules.Encrypt != nil && m.rules.AskExemption {
		if encrypted := m.rules.Encrypt(number); encrypted != nil {
			m.encrypted[f.Call] = encrypted
			out.Opened[len(out.Opened)-1].EncryptedCaller = encrypted
		}
	}
	m.keepOperators(f.Call, r.Operators)
	m.appendEvidence(f.Call, evidence.NewCall(*f, r.Operators.Patterns(), unseen), out)
	if m.rules.AskExemption {
		out.Asks = append(out.Asks, Ask{Call: f.Call, Number: number, Trunk: f.Origin.Trunk, At: f.At})
	}
}

// identify takes in the number of a caller whose number was withheld so far, and asks the lookup
// about it. What was answered before was about no number.
func (m *Mediator) identify(f metering.Fact, out *Output) {
	c := m.meter.Call(f.Call)
	if c.Caller != "" {
		return // the number under which the call arrived counts
	}
	number := m.readCaller(&f)
	m.appendEvidence(f.Call, evidence.NewCaller(f), out)
	m.apply(f, out)
	if !c.Terms.AskExemption {
		return
	}
	if m.rules.Encrypt != nil {
		m.encrypted[f.Call] = m.rules.Encrypt(number)
		out.Identified = append(out.Identified, ledger.OpenCall{
			Call: f.Call, EncryptedCaller: m.encrypted[f.Call],
		})
	}
	out.Asks = append(out.Asks, Ask{
		Call: f.Call, Number: number, Trunk: c.Origin.Trunk, At: c.ArrivedAt,
	})
}

// complete adds the terms of rules and a name to an arrival, and replaces the caller's number, which it returns, by the
// pseudonym.
func (m *Mediator) complete(f *metering.Fact, r Rules) metering.Number {
	terms := r.Terms(f.Service, f.At)
	terms.AskExemption = m.rules.AskExemption
	f.Terms = &terms
	f.RecordName = m.recordName(f.Node, f.Call)
	return m.readCaller(f)
}

// recordName is a new name for the ids of a call's records.
func (m *Mediator) recordName(node string, call metering.CallID) string {
	if m.rules.RecordName != nil {
		return m.rules.RecordName()
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q", node, string(call)))
	return hex.EncodeToString(sum[:10])
}

// readCaller replaces the number of a fact, which it returns, by its pseudonyms.
func (m *Mediator) readCaller(f *metering.Fact) metering.Number {
	number, understood := m.ReadCaller(f.Endpoint, f.Number)
	f.Origin = metering.Origin{Trunk: trunk(f.Endpoint), CallerUnread: !understood}
	for i, reading := range number.Readings() {
		if also := m.rules.Pseudonym(reading); i > 0 && also != "" {
			f.Origin.CallerAlso = append(f.Origin.CallerAlso, also)
		}
	}
	f.Caller = m.rules.Pseudonym(number)
	f.Number, f.Endpoint = metering.Number{}, ""
	return number
}

// ReadCaller reads a caller's number as the PBX gave it on a channel of an endpoint, into the form
// under which callers are known.
func (m *Mediator) ReadCaller(
	endpoint string, given metering.Number,
) (n metering.Number, understood bool) {
	if m.rules.ReadCaller == nil {
		return given, true
	}
	return m.rules.ReadCaller(endpoint, given)
}

// trunk is the part of an endpoint that a configuration names: DAHDI/i1 of DAHDI/i1/0612345678,
// where ISDN shows the caller's number.
func trunk(endpoint string) string {
	parts := strings.SplitN(endpoint, "/", 3)
	return strings.Join(parts[:min(2, len(parts))], "/")
}

func (m *Mediator) open(f metering.Fact, out *Output) {
	m.digests[f.Call] = evidence.NewDigest()
	out.Opened = append(out.Opened, ledger.OpenCall{
		Call: f.Call, Node: f.Node, Service: f.Service, ArrivedAt: f.At,
	})
}

// EncryptedCaller is the caller's number of an open call, as the ledger keeps it; nil where it is
// not known.
func (m *Mediator) EncryptedCaller(call metering.CallID) []byte { return m.encrypted[call] }

// SetEncryptedCaller gives a rebuilt call the caller's number that the ledger kept.
func (m *Mediator) SetEncryptedCaller(call metering.CallID, number []byte) {
	if number != nil && m.meter.Call(call) != nil {
		m.encrypted[call] = number
	}
}

// Answer takes in the answer of a lookup. It has no time of its own: it counts from the latest
// instant of the call. An answer for a call that has ended changes nothing.
func (m *Mediator) Answer(call metering.CallID, e metering.Exemption, out *Output) {
	if m.meter.Call(call) == nil {
		return
	}
	at := m.latest[call]
	m.appendEvidence(call, evidence.NewExemption(call, at, e), out)
	m.apply(metering.Fact{Kind: metering.ExemptionAnswered, Call: call, At: at, Exemption: e}, out)
}

// Missed is the evidence of a call that only Asterisk's CEL shows: its arrival, its end, and
// that nothing between was seen.
func (m *Mediator) Missed(arrival metering.Fact, endedAt time.Time) [][]byte {
	m.complete(&arrival, m.rules)
	node := arrival.Node
	end := ari.Event{
		Kind: ari.SnapshotTaken, At: endedAt, Node: node,
		Snapshot: &ari.Snapshot{At: endedAt, Node: node},
	}
	return [][]byte{
		evidence.NewCall(arrival, m.rules.Operators.Patterns(), ari.GapNotWatching),
		ari.EncodeEvidence(end),
	}
}
