package talkpath

import (
	"slices"
	"strings"

	"github.com/risposta/gateway/ari"
)

// requestConference asks at once who hears and speaks in a conference whose members an event has
// changed, where a call is part of it.
func (g *Graph) requestConference(ev *ari.Event, out *Result) {
	b := g.bridges[ev.Bridge.ID]
	if b == nil || !b.conference || b.active != nil || !g.live() || len(out.Shares) == 0 {
		return
	}
	g.serial++
	out.Requests = append(out.Requests, b.request(g.serial))
}

// request asks who hears and speaks in a conference, through one of its members.
func (b *bridge) request(serial uint64) ari.ProbeRequest {
	c := &ari.Conference{Bridge: b.id, Room: b.room, Members: map[string]ari.ChannelID{}}
	r := ari.ProbeRequest{Serial: serial, Conference: c}
	for _, m := range b.members {
		c.Members[m.last.Name] = m.id
		if r.Channel == "" || strings.Compare(string(m.id), string(r.Channel)) < 0 {
			r.Channel, r.Name = m.id, m.last.Name
		}
	}
	return r
}

// changed notes that the members of a conference have changed: with them those who hear and speak.
func (b *bridge) changed(serial uint64) {
	b.active, b.activeFrom = nil, serial+1
}

// present are those of some channels that are in the bridge.
func (b *bridge) present(ids []ari.ChannelID) []ari.ChannelID {
	present := []ari.ChannelID{}
	for _, m := range b.members {
		if slices.Contains(ids, m.id) {
			present = append(present, m.id)
		}
	}
	return present
}
