package talkpath

import (
	"slices"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/metering"
)

// Result is what one event came to.
type Result struct {
	Facts []metering.Fact // in the order in which they happened
	// Shares are the calls that the event belongs to, in the order of their arrival: the evidence of
	// each must keep it.
	Shares []EvidenceShare
	// Unmatched are calls that have ended and never were on a service.
	Unmatched []Unmatched
	// Requests are what the PBX is to be asked. The answers come as a Probed event.
	Requests []ari.ProbeRequest
	// Resync, where not empty, is why the view of the PBX must be made anew: a reason of a gap.
	Resync string
}

// EvidenceShare is an event's share in the evidence of one call.
type EvidenceShare struct {
	Call metering.CallID
	// LegSnapshot, where not nil, shows the legs that this event brought into the call, as they are
	// after it. Evidence keeps it before the event.
	LegSnapshot *ari.Snapshot
	// Snapshot, at the end of a gap, is the call's share of the PBX's snapshot, kept in its place.
	Snapshot *ari.Snapshot
	// Event, where not nil, is what evidence keeps in place of the event.
	Event *ari.Event
}

func (r *Result) fact(f metering.Fact) { r.Facts = append(r.Facts, f) }

// Step takes in one event, in the order of arrival.
func (g *Graph) Step(ev ari.Event) Result {
	var out Result
	switch ev.Kind {
	case ari.Gap:
		g.startGap(&ev, &out)
	case ari.SnapshotTaken:
		g.endGap(&ev, &out)
	case ari.LegSnapshot:
		g.placeLegs(ev.Snapshot)
	case ari.Heartbeat:
		g.requestProbes(&ev, &out)
	case ari.Probed:
		g.stepProbed(&ev, &out)
	case ari.ListsTaken:
		g.audit(&ev, &out)
	case ari.Other, ari.ApplicationReplaced, ari.Suspended, ari.Resumed,
		ari.StasisStart, ari.StasisEnd, ari.PlaybackFinished, ari.ChannelDtmfReceived:
	default: // an event of the PBX about channels and bridges
		if ev.Unresponsive != ari.Responsive {
			g.stepUnresponsive(&ev, &out)
		}
		g.loseMusicEnd(&ev, &out)
		if ev.Variable == ari.VarBridgePeer {
			g.stepBridgePeer(&ev, &out)
		} else {
			g.stepPBX(&ev, &out)
		}
		g.requestConference(&ev, &out)
	}
	return out
}

func (g *Graph) stepPBX(ev *ari.Event, out *Result) {
	// Until SnapshotTaken the source delivers nothing of the PBX; what came anyway might be stale.
	// What stands in evidence was judged when it happened.
	if g.disconnected || g.replayOf == nil && g.stale(ev) {
		return
	}
	before := g.affectedCalls(ev, nil)
	ended := g.advance(ev, out)
	g.orderMembers()
	if l := g.legs[ev.Channel.ID]; l != nil {
		g.noteStrayTalk(l, ev)
	}
	calls := g.affectedCalls(ev, before)
	if c := g.replayOf; c != nil && g.calls[c.id] == c && !slices.Contains(calls, c) {
		calls = append(calls, c)
	}
	for _, c := range calls {
		c.noteInstant(ev.At)
		out.Shares = append(out.Shares, g.evidenceShare(c, ev, out))
	}
	for _, c := range calls {
		c.retract(ev, out)
		if c != ended {
			g.update(c, ev, out)
			continue
		}
		by := metering.EndedByService
		if ev.Kind == ari.ChannelHangupRequest && !ev.Soft {
			by = metering.EndedByCaller
		}
		g.closeCall(c, ev.At, by, out)
	}
	if ev.Kind == ari.ChannelDestroyed {
		g.destroy(ev.Channel.ID, ev.At)
	}
	if g.replayOf != nil {
		g.keepOnly(g.replayOf.known)
	}
}

// affectedCalls adds to some calls those that are connected with what the event names, in the order
// of their arrival.
func (g *Graph) affectedCalls(ev *ari.Event, calls []*call) []*call {
	named := g.namedLegs(ev)
	if len(named) == 0 {
		return calls
	}
	for _, l := range named {
		c := l.formerCall
		if c != nil && g.calls[c.id] == c && c.late(ev) && !slices.Contains(calls, c) {
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

// namedLegs are the legs that the event names, or whose membership of a bridge it may change.
func (g *Graph) namedLegs(ev *ari.Event) (named []*leg) {
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
	for _, id := range ev.Bridge.Channels { // the list may show a move that had no event
		add(id)
	}
	for _, id := range [...]ari.BridgeID{ev.Bridge.ID, ev.From.ID} {
		b := g.bridges[id]
		if b == nil {
			continue
		}
		for _, m := range b.members {
			// A member that the list lacks leaves, which concerns its call in a holding bridge, too.
			if b.mixing || !slices.Contains(ev.Bridge.Channels, m.id) {
				named = append(named, m)
			}
		}
	}
	return named
}

// advance changes the graph as the event says, and returns the call that the event ends, if any.
func (g *Graph) advance(ev *ari.Event, out *Result) (ended *call) {
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
		if known := g.legs[ev.Channel.ID]; known != nil {
			known.followApp(ev)
		}
		l = g.leg(ev.Channel)
		l.lastEvent = latest(l.lastEvent, ev.At)
		if l.firstEvent.IsZero() {
			l.firstEvent = ev.At
		}
	}
	switch ev.Kind {
	case ari.ChannelCreated:
		l.dialled = l.dialled || called(ev.Channel.State)
		l.incoming = l.pair == nil && !called(ev.Channel.State)
	case ari.Dial:
		g.advanceDial(l, ev)
	case ari.ChannelHold:
		if ev.Feature {
			l.feature = ari.FeatureHoldBegun
		} else {
			g.holdBegins(l, ev.At)
		}
	case ari.ChannelUnhold:
		g.unhold(l, ev, out)
	case ari.ChannelVarset:
		l.setVariable(ev)
	case ari.ChannelEnteredBridge, ari.ChannelLeftBridge:
		g.advanceBridge(l, ev)
	case ari.BridgeDestroyed:
		g.removeBridge(ev.Bridge.ID)
	case ari.BridgeMerged:
		g.merge(g.bridge(ev.From), g.bridge(ev.Bridge))
	case ari.ChannelHangupRequest:
		return l.call
	case ari.ChannelDestroyed:
		l.reportUnmatched(out)
		g.detach(l)
		return l.call
	default: // g.leg has taken in what counts
	}
	if l != nil {
		l.dialled = l.dialled || l.last.AppData == outgoing
		g.findArrival(l, ev, out)
	}
	return nil
}

// outgoing is the application data of a channel that Asterisk has dialled (AppDial, AppQueue).
const outgoing = "(Outgoing Line)"

// called reports whether a channel with this state when it was made was called, and did not call.
func called(state string) bool { return state == "Down" || state == "Ringing" }

// ringing is the state of a channel that calls and has not been answered.
const ringing = "Ring"

func (g *Graph) advanceBridge(l *leg, ev *ari.Event) {
	b := g.bridge(ev.Bridge)
	l.moved = ev.At
	if ev.Kind == ari.ChannelEnteredBridge {
		if l.bridge != b {
			l.advanceFeatureHold()
		}
		g.enter(l, b)
		g.updateMembers(b, ev, l)
		return
	}
	if l.bridge == b {
		g.leave(l)
	}
	l.stopDialling()
	g.updateMembers(b, ev, nil)
	g.removeIfEmpty(b.id)
}

// advanceDial keeps who dials whom. A dial that ends without an answer ends the relation; after an
// answer, leaving the bridge does.
func (g *Graph) advanceDial(peer *leg, ev *ari.Event) {
	peer.dialled = true
	peer.dialNumber(ev)
	if ev.Caller.ID == "" {
		return // an originated call
	}
	if g.legs[ev.Caller.ID] == nil { // the channel is gone, or the evidence does not know it
		peer.stopDialling()
		return
	}
	caller := g.leg(ev.Caller)
	switch ev.DialStatus {
	case "", "RINGING", "PROGRESS", "PROCEEDING", "ANSWER":
		peer.dialBy(caller)
	default:
		peer.stopDialling()
	}
}
