package talkpath

import (
	"time"

	"github.com/risposta/gateway/ari"
)

// rtpCheck is how much longer than its timeout a leg may have been silent when Asterisk ends it:
// Asterisk counts whole seconds.
const rtpCheck = time.Second

// countPackets compares a count of packets with the one before: a count that has not grown since
// means that the leg sends nothing.
func (l *leg) countPackets(n int64, at time.Time) (found ari.FindingKind) {
	before := l.packets
	switch {
	case n == ari.NoPackets:
		return ""
	case l.packetsAt.IsZero() || n < before: // the first count, or the count has begun anew
	case n > before:
		l.proven = l.packetsAt
		if l.silent {
			found = ari.FoundMedia
		}
	case l.silent:
		return ""
	default:
		return ari.FoundNoMedia
	}
	l.packets, l.packetsAt = n, at
	return found
}

// sinceProven is from when on nothing proves that the leg was alive.
func (l *leg) sinceProven() time.Time {
	if !l.proven.IsZero() {
		return l.proven
	}
	if first := latest(l.last.Created, l.firstEvent); !first.IsZero() {
		return first
	}
	return time.Unix(0, 0).UTC()
}

// stepUnresponsive takes back, before its end is taken in, the talk of a leg that gave no sign of
// life when it was ended.
func (g *Graph) stepUnresponsive(ev *ari.Event, out *Result) {
	l := g.legs[ev.Channel.ID]
	if l == nil || l.silent || g.disconnected || g.replayOf != nil {
		return
	}
	f := ari.Finding{Channel: l.id, Kind: ari.FoundNoMedia, Since: l.sinceProven()}
	if ev.Unresponsive == ari.UnresponsiveRTP {
		f.Kind = ari.FoundTimeout
		if o := l.options; o != nil && o.RTPTimeout > 0 {
			f.Since = latest(ev.At.Add(-o.RTPTimeout-rtpCheck), l.firstEvent)
		}
	}
	g.stepFindings(ev, &ari.Findings{Legs: []ari.Finding{f}}, out)
}
