package talkpath

import (
	"slices"
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/metering"
)

// musicEnd follows the music of a hold of the leg's phone up to its end. A re-INVITE of the phone
// has the leg's own bridge set up anew, at the hold and at its end, by the thread that then passes
// the hold or its end on to the others (docs/asterisk.md, "Music that ends after the unhold"). It
// never reaches evidence: only the findings do.
type musicEnd struct {
	heldAt time.Time // when the hold began; zero where that was before a restart, or not seen
	peers  int       // how often the bridge was set up for it, and since
	peerAt time.Time // when the bridge was last set up
	others int       // how often the bridge has yet to be set up for other members' holds
	noted  time.Time // when the latest of those was noted
	ended  time.Time // when the bridge was last set up as often as was due
	own    bool      // others did not have it set up the last time
	since  time.Time // when the hold ended, while the end of its music is awaited; zero else
	from   time.Time // since, or up to where the talk after it has been taken back
	due    int       // how often the bridge has yet to be set up until then
}

const (
	// peerEarly is how long before the event about a hold, or about its end, that about the bridge may
	// come: another thread sends it.
	peerEarly = 20 * time.Millisecond
	// peerNoise is by how much the timestamps of the two differ on a quiet PBX. It is no music.
	peerNoise = 2 * time.Millisecond
	// maxMusic is how long after the end of a hold its music may go on (measured: up to 7.4 s). A
	// bridge that is set up later has another cause.
	maxMusic = 10 * time.Second
)

// over awaits no end, or no longer.
func (m *musicEnd) over() { m.since, m.from, m.due = time.Time{}, time.Time{}, 0 }

func (m *musicEnd) awaited() bool { return !m.since.IsZero() }

// lasted reports whether the music may have gone on up to an instant, and long enough to count.
func (m *musicEnd) lasted(at time.Time) bool {
	after := at.Sub(m.since)
	return m.awaited() && after > peerNoise && after <= maxMusic && at.After(m.from)
}

// holdBegins takes in a hold of the leg's phone.
func (m *musicEnd) holdBegins(at time.Time) {
	m.over()
	m.heldAt, m.peers = at, 0
	if m.own && at.Sub(m.peerAt) <= peerEarly {
		m.peers = 1
	}
}

// holdEnds takes in its end. In a very short hold it is not told which of the two the bridge was
// set up for.
func (m *musicEnd) holdEnds(at time.Time) {
	due := 2 // for the hold, and for its end
	if m.heldAt.IsZero() {
		due = 1 // the first was not seen, as the hold was not
	}
	told := at.Sub(m.heldAt) > 2*peerEarly
	ownSeen := told && m.own && m.peers >= due && at.Sub(m.peerAt) <= peerEarly
	m.heldAt = time.Time{}
	if m.over(); !ownSeen {
		m.since, m.from, m.due = at, at, 1
	}
}

// setUp takes in that the bridge was set up anew, and returns from when on the music has gone on up
// to here; zero where it has not.
func (m *musicEnd) setUp(at time.Time) (since time.Time) {
	if m.lasted(at) {
		since, m.from = m.from, at
	}
	if m.own = m.others == 0 || at.Sub(m.noted) > maxMusic; m.own {
		m.others = 1
	}
	m.others--
	m.peers++
	m.peerAt = at
	if m.due--; m.due <= 0 || at.Sub(m.since) > maxMusic {
		if m.awaited() {
			m.ended = at
		}
		m.over()
	}
	return since
}

// awaitMusicEnds awaits the music of holds that ended shortly before the checkpoint, as a replay of
// their call shows: whether it had ended by then is not known.
func (g *Graph) awaitMusicEnds(from *Graph) {
	for id, former := range from.legs {
		l, since := g.legs[id], former.musicEnd.since
		if l != nil && !since.IsZero() && g.loadedAt.Sub(since) <= maxMusic {
			l.musicEnd.since, l.musicEnd.from, l.musicEnd.due = since, since, 1
		}
	}
}

// noteOthers notes for the other members of its bridge that a hold of the leg, or its end, has the
// bridge set up yet. Where both await the end of music, whose comes first is not told, so both wait
// for both.
func (l *leg) noteOthers(at time.Time) {
	due := l.musicEnd.awaited() || l.hold == ari.HoldOn && l.musicEnd.peers == 0
	if !due || !l.bridged() {
		return
	}
	for _, m := range l.bridge.members {
		if m == l {
			continue
		}
		m.musicEnd.others++
		m.musicEnd.noted = at
		if !m.musicEnd.awaited() {
			continue
		}
		m.musicEnd.due++
		if l.musicEnd.awaited() {
			l.musicEnd.due++
		}
	}
}

// othersAwait reports whether another member of its bridge awaits, or did until now, the end of
// music: the bridge may be set up for that.
func (l *leg) othersAwait(at time.Time) bool {
	return l.bridged() && slices.ContainsFunc(l.bridge.members, func(m *leg) bool {
		return m != l && (m.musicEnd.awaited() || at.Sub(m.musicEnd.ended) <= peerEarly)
	})
}

// stepBridgePeer takes in that a leg's bridge was set up anew: the music of its hold ends. Under
// load that comes late after the hold, and until then the other side hears the music on.
func (g *Graph) stepBridgePeer(ev *ari.Event, out *Result) {
	l := g.legs[ev.Channel.ID]
	if l == nil || g.disconnected {
		return
	}
	since := l.musicEnd.setUp(ev.At)
	l.musicEnd.own = l.musicEnd.own && !l.othersAwait(ev.At)
	if g.replayOf == nil && !since.IsZero() {
		g.stepFindings(ev, &ari.Findings{Legs: []ari.Finding{
			{Channel: l.id, Kind: ari.FoundHeld, Since: since},
		}}, out)
	}
	if ev.Music != l.music {
		g.stepPBX(ev, out)
	}
}

// loseMusicEnd takes back, before an event that may end a talk, what was counted since the end of a
// hold whose music was not seen to end.
func (g *Graph) loseMusicEnd(ev *ari.Event, out *Result) {
	switch ev.Kind {
	case ari.ChannelHold, ari.ChannelLeftBridge, ari.ChannelHangupRequest, ari.ChannelDestroyed:
	default:
		return
	}
	l := g.legs[ev.Channel.ID]
	if l == nil || ev.Feature || g.disconnected || g.replayOf != nil {
		return
	}
	for _, c := range g.callsOf([]*leg{l}) {
		switch {
		case ev.Kind == ari.ChannelHold:
			g.takeBackMusic(c, ev, out, l)
		case l == c.caller || l == c.view.operator || l.musicEnd.awaited():
			g.takeBackMusic(c, ev, out, l, c.caller, c.view.operator)
		}
	}
}

// takeBackMusic takes back the talk of a call in which the music of these legs may have gone on.
// Where the hold had no bridge set up, its end has none either. The end of the music is awaited on.
func (g *Graph) takeBackMusic(c *call, ev *ari.Event, out *Result, legs ...*leg) {
	found := &ari.Findings{}
	for _, l := range legs {
		if l == nil || !l.musicEnd.awaited() {
			continue
		}
		m := &l.musicEnd
		counted := c.view.state == metering.Talking || c.talked.After(m.from)
		if m.peers > 0 && counted && m.lasted(ev.At) {
			found.Legs = append(found.Legs, ari.Finding{
				Channel: l.id, Kind: ari.FoundMusic, Since: m.from,
			})
			m.from = ev.At
		}
	}
	if !found.Empty() {
		g.stepFindings(ev, found, out)
	}
}
