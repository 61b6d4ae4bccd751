package mediation_test

import (
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/risposta/gateway/ari"
)

// world is a call centre that knows the truth: callers, operators, Local pairs, bridges, holds. Each act changes it and says so in
// events, as Asterisk would. It shares no code with talkpath: who talks is worked out from scratch after each act, by closure over sets.
type world struct {
	t         *rapid.T
	now       time.Time
	n         int
	hectic    bool // acts follow each other within milliseconds, never within the same
	people    []*person
	bridges   map[string]*place
	events    []ari.Event
	truth     map[ari.ChannelID]time.Duration
	talking   map[ari.ChannelID]time.Time
	stretches map[ari.ChannelID]int
	intervals map[ari.ChannelID][][2]time.Time
}

type person struct {
	id       ari.ChannelID
	name     string
	caller   bool
	operator bool
	up       bool
	holds    bool
	at       *place
	twin     *person // the other half of a Local pair
	gone     bool
	ended    bool // a caller who has hung up: the channel lingers, in no bridge, and does nothing more
	told     bool // the gateway has heard of that, so the call has its record
}

type place struct {
	id     ari.BridgeID
	mixing bool
	inside []*person
}

func newWorld(t *rapid.T) *world {
	return &world{t: t, now: dawn, bridges: map[string]*place{}, truth: map[ari.ChannelID]time.Duration{}, talking: map[ari.ChannelID]time.Time{}, stretches: map[ari.ChannelID]int{}, intervals: map[ari.ChannelID][][2]time.Time{}}
}

func (w *world) emit(kind ari.Kind, p *person, b *place) {
	ev := ari.Event{Kind: kind, At: w.now, Node: "pbx"}
	if p != nil {
		ev.Channel = w.shown(p)
	}
	if b != nil {
		ev.Bridge = b.shown()
	}
	w.events = append(w.events, ev)
}

func (w *world) shown(p *person) ari.Channel {
	c := ari.Channel{ID: p.id, Name: p.name, State: "Down", Context: "agents", Exten: "s"}
	if p.caller {
		c.State, c.Context, c.Exten = "Ring", "from-trunk", "1001"
	}
	if p.up {
		c.State = "Up"
	}
	return c
}

func (b *place) shown() ari.Bridge {
	s := ari.Bridge{ID: b.id, Type: "holding"}
	if b.mixing {
		s.Type = "mixing"
	}
	for _, p := range b.inside {
		s.Channels = append(s.Channels, p.id)
	}
	return s
}

func (w *world) add(p *person, name string) *person {
	w.n++
	p.id, p.name = ari.ChannelID(fmt.Sprintf("ch-%d", w.n)), fmt.Sprintf(name, w.n)
	w.people = append(w.people, p)
	w.emit(ari.ChannelCreated, p, nil)
	return p
}

// act does one thing at random, after some time.
func (w *world) act() {
	later := rapid.IntRange(0, 3000)
	if w.hectic {
		later = rapid.IntRange(1, 100)
	}
	w.now = w.now.Add(time.Duration(later.Draw(w.t, "later")) * time.Millisecond)
	switch rapid.IntRange(0, 11).Draw(w.t, "act") {
	case 0:
		w.add(&person{caller: true}, "PJSIP/trunk-%08x")
	case 1:
		w.add(&person{operator: true}, "PJSIP/agent1-%08x")
	case 2:
		w.add(&person{}, "PJSIP/voicebot-%08x")
	case 3:
		one := w.add(&person{}, "Local/x@agents-%08x;1")
		two := w.add(&person{}, "Local/x@agents-%08x;2")
		two.name = one.name[:len(one.name)-1] + "2"
		w.events[len(w.events)-1].Channel.Name = two.name
		one.twin, two.twin = two, one
	case 4, 5:
		if p := w.pick(func(p *person) bool { return !p.up && !p.ended }); p != nil {
			p.up = true
			w.emit(ari.ChannelStateChange, p, nil)
		}
	case 6, 7, 8:
		w.moveSomebody()
	case 9, 10:
		if p := w.pick(func(p *person) bool { return p.up && p.twin == nil && !p.ended }); p != nil {
			p.holds = !p.holds
			w.emit(map[bool]ari.Kind{true: ari.ChannelHold, false: ari.ChannelUnhold}[p.holds], p, nil)
		}
	case 11:
		if p := w.pick(func(*person) bool { return true }); p != nil {
			w.hangUp(p)
		}
	}
	w.judge()
}

func (w *world) pick(ok func(*person) bool) *person {
	var candidates []*person
	for _, p := range w.people {
		if !p.gone && ok(p) {
			candidates = append(candidates, p)
		}
	}
	if len(candidates) == 0 {
		return nil
	}
	return rapid.SampledFrom(candidates).Draw(w.t, "who")
}

// moveSomebody puts a channel into one of a few bridges, or out of the one it is in.
func (w *world) moveSomebody() {
	p := w.pick(func(p *person) bool { return !p.ended })
	if p == nil {
		return
	}
	if p.at != nil {
		w.leave(p)
		return
	}
	id := rapid.SampledFrom([]string{"b1", "b2", "b3", "holding1"}).Draw(w.t, "where")
	b := w.bridges[id]
	if b == nil {
		b = &place{id: ari.BridgeID(id), mixing: id != "holding1"}
		w.bridges[id] = b
		w.emit(ari.BridgeCreated, nil, b)
	}
	p.at = b
	b.inside = append(b.inside, p)
	w.emit(ari.ChannelEnteredBridge, p, b)
}

func (w *world) leave(p *person) {
	b := p.at
	p.at = nil
	b.inside = slices.DeleteFunc(b.inside, func(q *person) bool { return q == p })
	w.emit(ari.ChannelLeftBridge, p, b)
}

func (w *world) hangUp(p *person) {
	if p.caller && !p.ended {
		p.ended = true
		w.emit(ari.ChannelHangupRequest, p, nil)
		if p.at != nil {
			w.leave(p)
		}
		return // its channel goes later, as in life
	}
	if p.at != nil {
		w.leave(p)
	}
	p.gone = true
	w.emit(ari.ChannelDestroyed, p, nil)
}

// live is a whole life of the centre: at least a caller and an operator, up to 60 acts, and everybody goes home.
func (w *world) live() {
	w.add(&person{caller: true}, "PJSIP/trunk-%08x")
	w.add(&person{operator: true}, "PJSIP/agent1-%08x")
	for range rapid.IntRange(1, 60).Draw(w.t, "acts") {
		w.act()
	}
	w.end()
}

// end sends everybody home.
func (w *world) end() {
	w.now = w.now.Add(time.Second)
	for _, p := range w.people {
		for !p.gone {
			w.hangUp(p)
			w.judge()
		}
	}
	for _, id := range []string{"b1", "b2", "b3", "holding1"} {
		if b := w.bridges[id]; b != nil {
			w.emit(ari.BridgeDestroyed, nil, b)
		}
	}
}

// judge adds up the truth: for each caller, whether there is a chain of people, each next to the last in a mixing bridge or by being its twin, all Up
// and none of them holding, from the caller to an operator.
func (w *world) judge() {
	for _, c := range w.people {
		if !c.caller {
			continue
		}
		since, was := w.talking[c.id]
		is := !c.gone && !c.ended && w.talks(c)
		switch {
		case is && !was:
			w.talking[c.id] = w.now
			w.stretches[c.id]++
		case was && !is:
			w.truth[c.id] += w.now.Sub(since)
			if w.now.After(since) {
				w.intervals[c.id] = append(w.intervals[c.id], [2]time.Time{since, w.now})
			}
			delete(w.talking, c.id)
		}
	}
}

func (w *world) talks(c *person) bool {
	if !c.up || c.holds {
		return false
	}
	reached := map[*person]bool{c: true}
	for grown := true; grown; {
		grown = false
		for p := range reached {
			var next []*person
			if p.twin != nil {
				next = append(next, p.twin)
			}
			if p.at != nil && p.at.mixing && (p == c || p.twin != nil) { // only Local halves pass anything on
				next = append(next, p.at.inside...)
			}
			for _, q := range next {
				if !reached[q] && q.up && !q.holds && !q.gone {
					if q.twin == p && q.at == nil {
						continue // a half that is nowhere leads nowhere
					}
					reached[q], grown = true, true
				}
			}
		}
	}
	for p := range reached {
		if p.operator {
			return true
		}
	}
	return false
}

// sight is what a snapshot of the world shows.
func (w *world) sight() *ari.Snapshot {
	s := &ari.Snapshot{At: w.now, Node: "pbx"}
	for _, p := range w.people {
		if p.gone {
			continue
		}
		hold := ari.HoldOff
		if p.holds {
			hold = ari.HoldOn
		}
		c := w.shown(p)
		s.Legs = append(s.Legs, ari.Leg{Channel: c, Hold: hold, Dialled: !p.caller, Done: p.told})
	}
	for _, id := range []string{"b1", "b2", "b3", "holding1"} {
		if b := w.bridges[id]; b != nil {
			s.Bridges = append(s.Bridges, b.shown())
		}
	}
	return s
}
