package talkpath

import (
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/metering"
)

// OpenReplay opens the call that a replay of evidence begins with, in an empty graph. unseen says
// that its arrival was not seen.
func (g *Graph) OpenReplay(id metering.CallID, at time.Time, unseen bool) {
	c := g.openCall(id, g.leg(ari.Channel{ID: ari.ChannelID(id)}), at)
	g.replayOf = c
	if unseen {
		c.view.state = metering.Unseen
	}
}

// NoteInstant notes the timestamp of a frame of evidence that [Graph.Step] does not get, or whose
// connection with the call the graph no longer knows.
func (g *Graph) NoteInstant(id metering.CallID, at time.Time) {
	if c := g.calls[id]; c != nil {
		c.noteInstant(at)
	}
}

// Adopt takes over an open call from a graph that replayed its evidence. The call has no channel
// until the SnapshotTaken that must follow, after a Gap. What was known of its legs, and no list of
// the PBX shows, is kept until then.
func (g *Graph) Adopt(from *Graph, id metering.CallID) {
	for id, l := range from.legs {
		if g.legs[id] == nil {
			g.legs[id] = l
		}
	}
	c := from.calls[id]
	delete(from.calls, id)
	g.arrivals++
	c.order, c.caller, c.adopted = g.arrivals, nil, true
	g.calls[id] = c
}

// Load fills an empty graph with what a former one knew at an instant.
func (g *Graph) Load(s *ari.Snapshot, at time.Time) {
	g.placeAll(s)
	g.loadedAt = at
	for _, l := range s.Legs {
		g.legs[l.Channel.ID].done = l.Done
	}
}

// Reattach takes over an open call from a graph that replayed its evidence, without a gap: it goes
// on with its channels as this graph knows them. It returns false, and takes nothing, where the two
// do not fit together.
func (g *Graph) Reattach(from *Graph, id metering.CallID) bool {
	c := from.calls[id]
	caller := g.legs[ari.ChannelID(id)]
	if caller == nil || from.disconnected {
		return false
	}
	if op := c.view.operator; op != nil {
		if c.view.operator = g.legs[op.id]; c.view.operator == nil {
			return false
		}
	}
	g.awaitMusicEnds(from)
	delete(from.calls, id)
	g.arrivals++
	c.order, c.caller = g.arrivals, caller
	caller.call = c
	g.calls[id] = c
	return true
}

// Drop forgets an open call. Its channel opens no other.
func (g *Graph) Drop(id metering.CallID) {
	delete(g.calls, id)
	if l := g.legs[ari.ChannelID(id)]; l != nil {
		l.call, l.done = nil, true
	}
}
