package talkpath

import (
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/metering"
)

// auditSlack is how long before the lists were asked for an event of a leg must lie for the lists to
// show it for certain: Asterisk's timestamps step back by milliseconds.
const auditSlack = time.Second

// audit compares the open calls with the PBX's own lists. A call that they show otherwise than its
// events did was not seen since the last instant that named it. Where there is one, the view of the
// PBX is to be made anew.
func (g *Graph) audit(ev *ari.Event, out *Result) {
	if g.disconnected {
		return
	}
	bridges := map[ari.ChannelID]ari.BridgeID{}
	for _, b := range ev.Snapshot.Bridges {
		for _, id := range b.Channels {
			bridges[id] = b.ID
		}
	}
	listed := map[ari.ChannelID]bool{}
	for _, l := range ev.Snapshot.Legs {
		listed[l.Channel.ID] = true
	}
	settled := ev.Asked.Add(-auditSlack)
	for _, c := range g.openCalls() {
		if c.caller == nil || c.inGap {
			continue
		}
		for _, l := range g.connected(c.caller) {
			if l.lastEvent.After(settled) || l.moved.After(settled) {
				continue
			}
			if !listed[l.id] || l.bridged() && bridges[l.id] != l.bridge.id {
				g.missed(c, ev, out)
				break
			}
		}
	}
}

// missed makes a call unseen from the last instant that named it.
func (g *Graph) missed(c *call, ev *ari.Event, out *Result) {
	gap := &ari.Event{Kind: ari.Gap, At: c.latest, Node: ev.Node, Reason: ari.GapMissed}
	out.Shares = append(out.Shares, EvidenceShare{Call: c.id, Event: gap})
	g.startCallGap(c, gap, out)
	out.Resync = ari.GapMissed
}

// startCallGap makes one call unseen.
func (g *Graph) startCallGap(c *call, gap *ari.Event, out *Result) {
	c.inGap, c.gapAt = true, gap.At
	end := c.endOf(c.view, gap.At)
	if c.view.state == metering.Talking {
		c.talked = end
	}
	out.fact(metering.Fact{Kind: metering.GapStarted, Call: c.id, At: end, Why: gap.Reason})
	c.view = view{state: metering.Unseen}
}
