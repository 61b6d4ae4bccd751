package mediation_test

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/risposta/gateway/ari"
)

// callCenter is a call center that knows the truth: callers, operators, Local pairs, bridges,
// holds. Each action changes it and emits the events that Asterisk would. It shares no code with
// talkpath: who talks is worked out from scratch after each action.
type callCenter struct {
	t      *rapid.T
	now    time.Time
	made   int
	hectic bool // actions follow each other within milliseconds, never within the same
	// The begin of an application can be lost, so there are none.
	appsHidden bool
	list       int // the list of operators under which callers arrive, of operatorLists
	events     []ari.Event
	people     []*person
	bridges    map[string]*place
	// The music of a hold can go on after it. Where events are lost or overtake each other, they do
	// not tell.
	musicGoesOn bool
	overlaps    bool      // two held at a time, or the music of one went on while another held
	reports     *bool     // whether the PBX reports that a bridge is set up anew; nil: not drawn yet
	unheld      time.Time // when the latest hold ended whose music went on
	truth
}

// person is a channel.
type person struct {
	id       ari.ChannelID
	name     string
	caller   bool
	operator bool
	bot      bool
	outside  bool // a telephone that was dialled by its number
	list     int  // of a caller: the list of operators
	up       bool
	holds    bool
	peers    bool      // its bridge was set up anew for its hold
	music    bool      // its hold is over, and the others hear the music on
	inApp    time.Time // since when a feature key's application runs on it; zero for none
	at       *place
	twin     *person // the other half of a Local pair
	refuses  *person // the caller who is not charged once more than ringing comes from here; nil for none
	gone     bool
	ended    bool // a caller who has hung up: the channel stays for a while and does nothing more
	recorded bool // the gateway has received the hang-up, so the call has its record
}

// place is a bridge.
type place struct {
	id     ari.BridgeID
	mixing bool
	inside []*person
}

var places = []string{"b1", "b2", "b3", "holding1"}

func newCallCenter(t *rapid.T) *callCenter {
	w := &callCenter{t: t, now: dawn, bridges: map[string]*place{}, truth: newTruth()}
	w.add(&person{caller: true}, "PJSIP/trunk-%08x")
	w.add(&person{operator: true}, "PJSIP/agent1-%08x")
	return w
}

func (w *callCenter) emit(kind ari.Kind, p *person, b *place) {
	ev := ari.Event{Kind: kind, At: w.now, Node: "pbx"}
	if p != nil {
		ev.Channel = p.shown()
	}
	if b != nil {
		ev.Bridge = b.shown()
	}
	w.events = append(w.events, ev)
}

func (p *person) shown() ari.Channel {
	c := ari.Channel{ID: p.id, Name: p.name, State: "Down", Context: "agents", Exten: "s", App: homeApp}
	if !p.inApp.IsZero() {
		c.App = "Playback"
	}
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

func (w *callCenter) add(p *person, name string) *person {
	w.made++
	p.list = w.list
	p.id, p.name = ari.ChannelID(fmt.Sprintf("ch-%d", w.made)), fmt.Sprintf(name, w.made)
	w.people = append(w.people, p)
	w.emit(ari.ChannelCreated, p, nil)
	return p
}

// actions are what can happen in the call center, some time after the last action. An action that
// does not apply does nothing.
func (w *callCenter) actions() map[string]func(*rapid.T) {
	actions := map[string]func(){
		"a caller arrives":      func() { w.add(&person{caller: true}, "PJSIP/trunk-%08x") },
		"an operator is called": func() { w.add(&person{operator: true}, "PJSIP/agent1-%08x") },
		"a voicebot is called":  func() { w.add(&person{bot: true}, "PJSIP/voicebot-%08x") },
		"a Local pair is made":  w.pair,
		"ring":                  w.ring,
		"answer":                w.answer,
		"enter a bridge":        w.enterBridge,
		"leave the bridge":      w.leaveBridge,
		"transfer":              w.transfer,
		"hold":                  func() { w.hold(true) },
		"unhold":                func() { w.hold(false) },
		"the music ends":        w.endMusic,
		"hang up":               w.hangUpOne,
	}
	maps.Copy(actions, w.features())
	later := rapid.IntRange(0, 3000)
	if w.hectic {
		later = rapid.IntRange(1, 100)
	}
	repeat := map[string]func(*rapid.T){}
	for name, act := range actions {
		repeat[name] = func(t *rapid.T) {
			w.t = t
			w.now = w.now.Add(time.Duration(later.Draw(t, "ms later")) * time.Millisecond)
			w.limitMusic()
			act()
			w.judge(w.people, w.now)
		}
	}
	return repeat
}

func (w *callCenter) pair() {
	one := w.add(&person{}, "Local/x@agents-%08x;1")
	two := w.add(&person{}, "Local/x@agents-%08x;2")
	two.name = one.name[:len(one.name)-1] + "2"
	w.events[len(w.events)-1].Channel.Name = two.name
	one.twin, two.twin = two, one
}

func (w *callCenter) ring() {
	if p := w.pick(func(p *person) bool { return !p.caller && !p.up }); p != nil {
		w.emit(ari.ChannelStateChange, p, nil)
		w.events[len(w.events)-1].Channel.State = "Ringing"
	}
}

func (w *callCenter) answer() {
	if p := w.pick(func(p *person) bool { return !p.up && !p.ended }); p != nil {
		p.up = true
		w.emit(ari.ChannelStateChange, p, nil)
		w.heard(p)
	}
}

func (w *callCenter) enterBridge() {
	if p := w.pick(func(p *person) bool { return p.at == nil && !p.ended }); p != nil {
		w.enter(p)
	}
}

func (w *callCenter) leaveBridge() {
	if p := w.pick(func(p *person) bool { return p.at != nil }); p != nil {
		w.leave(p)
	}
}

// transfer moves a channel from its bridge to another, or back into the same.
func (w *callCenter) transfer() {
	if p := w.pick(func(p *person) bool { return p.at != nil && !p.ended }); p != nil {
		w.leave(p)
		w.enter(p)
	}
}

func (w *callCenter) hold(on bool) {
	p := w.pick(func(p *person) bool { return p.up && p.twin == nil && !p.ended && p.holds != on })
	if p == nil {
		return
	}
	for _, q := range w.people {
		w.overlaps = w.overlaps || q != p && (q.holds || q.music)
	}
	p.holds, p.music = on, false
	if on {
		w.emit(ari.ChannelHold, p, nil)
		w.setUpBridge(p)
		return
	}
	w.emit(ari.ChannelUnhold, p, nil)
	// Where the PBX never sets up the bridge there is no music in this model.
	if p.peers && w.withMusic(p) && rapid.IntRange(0, 3).Draw(w.t, "the music ends at once") > 0 {
		p.music, w.unheld = true, w.now
		return
	}
	w.setUpBridge(p)
}

func (w *callCenter) hangUpOne() {
	if p := w.pick(func(*person) bool { return true }); p != nil {
		w.hangUp(p)
	}
}

func (w *callCenter) pick(ok func(*person) bool) *person {
	var candidates []*person
	for _, p := range w.people {
		if !p.gone && ok(p) {
			candidates = append(candidates, p)
		}
	}
	if len(candidates) == 0 {
		return nil
	}
	return rapid.SampledFrom(candidates).Draw(w.t, "channel")
}

func (w *callCenter) enter(p *person) {
	id := rapid.SampledFrom(places).Draw(w.t, "bridge")
	b := w.bridges[id]
	if b == nil {
		b = &place{id: ari.BridgeID(id), mixing: id != "holding1"}
		w.bridges[id] = b
		w.emit(ari.BridgeCreated, nil, b)
	}
	p.at, p.peers = b, false
	b.inside = append(b.inside, p)
	w.emit(ari.ChannelEnteredBridge, p, b)
	w.heard(p)
}

func (w *callCenter) leave(p *person) {
	b := p.at
	p.at, p.inApp, p.music = nil, time.Time{}, false
	b.inside = slices.DeleteFunc(b.inside, func(q *person) bool { return q == p })
	w.emit(ari.ChannelLeftBridge, p, b)
}

func (w *callCenter) hangUp(p *person) {
	ends := p.caller && !p.ended
	if ends {
		p.ended = true
		w.emit(ari.ChannelHangupRequest, p, nil)
	}
	if p.at != nil {
		w.leave(p)
	}
	if !ends { // a caller's channel goes later, as in life
		p.gone = true
		w.emit(ari.ChannelDestroyed, p, nil)
	}
}

// live lets things happen, and ends all calls.
func (w *callCenter) live() {
	w.t.Repeat(w.actions())
	w.end()
}
