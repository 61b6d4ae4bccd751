package talkpath

import (
	"slices"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/metering"
)

// Result is what one event came to.
type Result struct {
	Facts []metering.Fact // in the order of happening
	// Shares are the calls the event belongs to, in the order of their arrival: their evidence must keep it.
	Shares []EvidenceShare
}

// EvidenceShare is an event's share in one call's evidence.
type EvidenceShare struct {
	Call metering.CallID
	// LegSnapshot, where not nil, holds the legs that this event brought into the call, as they are after it; evidence keeps
	// them before it.
	LegSnapshot *ari.Snapshot
	// Snapshot, after a gap, is the call's share of it, in place of the whole.
	Snapshot *ari.Snapshot
}

func (r *Result) fact(f metering.Fact) { r.Facts = append(r.Facts, f) }

// Step takes in one event.
func (g *Graph) Step(ev ari.Event) Result {
	var out Result
	switch ev.Kind {
	case ari.Gap:
		g.loseSight(&ev, &out)
		return out
	case ari.SnapshotTaken:
		g.regainSight(&ev, &out)
		return out
	case ari.LegSnapshot:
		g.introduce(ev.Snapshot)
		return out
	case ari.Other, ari.ApplicationReplaced, ari.Heartbeat, ari.StasisStart, ari.StasisEnd, ari.PlaybackFinished, ari.ChannelDtmfReceived:
		return out
	default: // the PBX's own word about channels and bridges
	}
	if g.disconnected {
		return out // the source promises silence until SnapshotTaken; what comes all the same may be stale
	}
	if g.stale(&ev) {
		return out
	}
	before := g.concerned(&ev, nil)
	ended := g.take(&ev, &out)
	touched := g.concerned(&ev, before)
	if c := g.replayOf; c != nil && g.calls[c.id] == c && !slices.Contains(touched, c) {
		touched = append(touched, c)
	}
	for _, c := range touched {
		c.sees(ev.At)
		out.Shares = append(out.Shares, g.touch(c, &ev, &out))
	}
	for _, c := range touched {
		c.retract(&ev, &out)
		if c == ended {
			by := metering.EndedByService
			if ev.Kind == ari.ChannelHangupRequest && !ev.Soft {
				by = metering.EndedByCaller
			}
			g.close(c, ev.At, by, &out)
			continue
		}
		g.update(c, &ev, &out)
	}
	if ev.Kind == ari.ChannelDestroyed {
		g.destroy(ev.Channel.ID)
	}
	return out
}

// concerned are the calls that hang together with what the event names, added to those given, by order of arrival.
func (g *Graph) concerned(ev *ari.Event, calls []*call) []*call {
	var named []*leg
	add := func(id ari.ChannelID) {
		if l := g.legs[id]; l != nil {
			named = append(named, l)
		}
	}
	add(ev.Channel.ID)
	add(ev.Caller.ID)
	for _, id := range ev.Channels {
		add(id)
	}
	for _, id := range ev.Bridge.Channels { // a list may show that somebody was moved here without a word
		add(id)
	}
	for _, id := range [...]ari.BridgeID{ev.Bridge.ID, ev.From.ID} {
		if b := g.bridges[id]; b != nil && b.mixing {
			named = append(named, b.members...)
		}
	}
	if len(named) == 0 {
		return calls
	}
	for _, l := range named {
		if c := l.parted; c != nil && g.calls[c.id] == c && c.late(ev) && !slices.Contains(calls, c) {
			calls = append(calls, c)
		}
	}
	for _, l := range g.connected(named...) {
		if l.call != nil && !slices.Contains(calls, l.call) {
			calls = append(calls, l.call)
		}
	}
	slices.SortFunc(calls, byOrder)
	return calls
}

// take changes the graph as the event says, and returns the call that the event ends, if it ends one.
func (g *Graph) take(ev *ari.Event, out *Result) (ended *call) {
	if ev.Kind == ari.UnreadableFrame {
		for _, id := range ev.Channels {
			if l := g.legs[id]; l != nil {
				l.hold = ari.HoldUnknown
			}
		}
		return nil
	}
	var l *leg
	if ev.Channel.ID != "" {
		l = g.leg(ev.Channel)
		l.seen = latest(l.seen, ev.At)
	}
	switch ev.Kind {
	case ari.ChannelCreated:
		l.dialled = l.dialled || ev.Channel.State == "Down" || ev.Channel.State == "Ringing"
	case ari.Dial:
		g.takeDial(l, ev)
	case ari.ChannelHold:
		if ev.Feature {
			l.feature = ari.FeatureHoldBegun
		} else {
			l.hold = ari.HoldOn
		}
	case ari.ChannelUnhold:
		l.unhold()
	case ari.ChannelEnteredBridge:
		b := g.bridge(ev.Bridge)
		l.moved = ev.At
		if l.bridge != b {
			l.comesBack()
		}
		g.enter(l, b)
		g.list(b, ev, l)
	case ari.ChannelLeftBridge:
		b := g.bridge(ev.Bridge)
		l.moved = ev.At
		if l.bridge == b {
			g.leave(l)
		}
		l.stopDialling()
		g.list(b, ev, nil)
		g.forgetEmpty(b.id)
	case ari.BridgeDestroyed:
		g.removeBridge(ev.Bridge.ID)
	case ari.BridgeMerged:
		to, from := g.bridge(ev.Bridge), g.bridge(ev.From)
		for len(from.members) > 0 {
			g.enter(from.members[0], to)
		}
	case ari.ChannelHangupRequest:
		return l.call
	case ari.ChannelDestroyed:
		g.detach(l)
		return l.call
	default: // what the leg has taken over from the event's channel is all
	}
	if l != nil {
		l.dialled = l.dialled || l.last.AppData == outgoing
		if (ev.Kind == ari.ChannelCreated || ev.Kind == ari.ChannelDialplan) && l.mayOpen() {
			if service, ok := g.rules.Service(l.last); ok {
				g.open(l, service, ev, out)
			}
		}
	}
	return nil
}

// outgoing is the application data that Asterisk gives to a channel it has dialled itself (AppDial, AppQueue).
const outgoing = "(Outgoing Line)"

// list takes over the bridge's own list of members. The entering channel itself is always believed to be in it.
func (g *Graph) list(b *bridge, ev *ari.Event, entering *leg) {
	ids := ev.Bridge.Channels
	if entering != nil && !contains(ids, entering.id) {
		ids = append(slices.Clone(ids), entering.id)
	}
	g.members(b, ids, ev.At)
}

// takeDial keeps who dials whom. The end of a dial without an answer parts them; after an answer the bridge does.
func (g *Graph) takeDial(peer *leg, ev *ari.Event) {
	peer.dialled = true
	if ev.NumberKind != "" && peer.pair == nil { // a Local half only enters the dialplan: whom that dials will show
		peer.number = ev.NumberKind
	}
	if g.legs[ev.Caller.ID] == nil {
		if ev.Caller.ID != "" { // by a channel that is gone, or that this call's evidence does not know
			peer.stopDialling()
		}
		return
	}
	caller := g.leg(ev.Caller)
	switch ev.DialStatus {
	case "", "RINGING", "PROGRESS", "PROCEEDING", "ANSWER":
		peer.dial(caller)
	default:
		peer.stopDialling()
	}
}

// touch is the event's share in the call, with the legs that the call's evidence has not yet met.
func (g *Graph) touch(c *call, ev *ari.Event, out *Result) EvidenceShare {
	t := EvidenceShare{Call: c.id}
	connected := g.connected(c.caller)
	if ev.Kind == ari.BridgeBlindTransfer {
		c.reach(ev.NumberKind, ev.At, out)
	}
	var fresh []*leg
	for _, l := range connected {
		c.reach(l.number, ev.At, out)
		if !contains(c.known, l.id) && (ev.Kind != ari.ChannelCreated || ev.Channel.ID != l.id) {
			fresh = append(fresh, l)
		}
	}
	g.meet(c, connected)
	if fresh != nil {
		t.LegSnapshot = share(fresh, ev.At, ev.Node)
	}
	return t
}
