package aritest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/metering"
)

// Centre is a call centre at a fake PBX: calls that wait, talk, are put on hold and talk again. It
// knows what really happened in each. The PBX lists its channels as its events show them.
type Centre struct {
	pbx *PBX
	rnd *rand.Rand

	mu   sync.Mutex // one thing happens after the other
	at   time.Time  // the PBX's clock at what happens now
	mono time.Time  // the same instant by a clock that is never set

	n        int
	arrived  int
	dialled  []string // 1001 alone where none is given
	channels map[ari.ChannelID]ari.Channel
	order    []ari.ChannelID
	bridges  map[ari.BridgeID][]ari.ChannelID
	hold     map[ari.ChannelID]ari.Hold
	calls    []*CallTruth
	cel      strings.Builder
}

// CallTruth is what really happened in one call.
type CallTruth struct {
	ID     string
	Ended  bool
	TalkMs int64 // by a clock that is never set
	Talk   [][2]time.Time
}

// NewCentre makes an empty centre. The seed determines its pauses; print it.
func NewCentre(p *PBX, seed uint64) *Centre {
	rnd := rand.New(rand.NewPCG(seed, seed)) //nolint:gosec // a seed repeats a run
	return &Centre{
		pbx: p, rnd: rnd, channels: map[ari.ChannelID]ari.Channel{},
		bridges: map[ari.BridgeID][]ari.ChannelID{}, hold: map[ari.ChannelID]ari.Hold{},
	}
}

// Dial makes the next calls dial these extensions, one after the other.
func (c *Centre) Dial(extensions ...string) { c.do(func() { c.dialled = extensions }) }

// Times are how long the parts of a call take: each between a half and one and a half of it.
type Times struct{ Wait, Talk, Hold time.Duration }

// Call plays one call to its end, or until ctx ends.
func (c *Centre) Call(ctx context.Context, t Times) {
	call := c.arrive()
	caller := ari.ChannelID(call.ID)
	c.pause(ctx, t.Wait)
	operator, began, from := c.answer(caller)
	stop := func() {
		call.TalkMs += c.mono.Sub(began).Milliseconds() + 1
		call.Talk = append(call.Talk, [2]time.Time{from, c.at})
	}
	c.pause(ctx, t.Talk)
	c.do(func() {
		stop()
		c.hold[operator] = ari.HoldOn
		c.writeCEL("STREAM_BEGIN", caller, `{"class":"default"}`)
		c.send(ari.Event{Kind: ari.ChannelHold, Channel: c.channels[operator]})
	})
	c.pause(ctx, t.Hold)
	c.do(func() {
		c.hold[operator] = ari.HoldOff
		c.writeCEL("STREAM_END", caller, "")
		c.send(ari.Event{Kind: ari.ChannelUnhold, Channel: c.channels[operator]})
		began, from = c.mono, c.at
	})
	c.pause(ctx, t.Talk)
	c.do(func() {
		stop()
		c.hangUp(caller, operator)
		call.Ended = true
	})
}

// Truth is what happened in each call so far.
func (c *Centre) Truth() []CallTruth {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]CallTruth, 0, len(c.calls))
	for _, t := range c.calls {
		out = append(out, *t)
	}
	return out
}

// CEL is what a real Asterisk would have written of it, as deploy/asterisk/etc/cel_custom.conf has
// it.
func (c *Centre) CEL() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cel.String()
}

func (c *Centre) writeCEL(event string, id ari.ChannelID, extra string) {
	ch := c.channels[id]
	linked := strings.TrimSuffix(string(id), operatorSuffix)
	fmt.Fprintf(&c.cel, "%q,%q,%q,%q,%q,%q,\"%s\",%q,%q\n", event,
		c.at.Format("2006-01-02 15:04:05.000-0700"), ch.Caller.Clear(), id, linked, ch.Name,
		strings.ReplaceAll(extra, `"`, `""`), ch.Exten, ch.Context)
}

func (c *Centre) pause(ctx context.Context, d time.Duration) {
	c.mu.Lock()
	d = d/2 + time.Duration(c.rnd.Int64N(int64(d)+1))
	c.mu.Unlock()
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// do lets something happen, at one instant.
func (c *Centre) do(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mono = time.Now() // the one reading of the clock: between two a busy machine lets time pass
	c.at = c.pbx.at(c.mono).Truncate(time.Millisecond)
	f()
}

func (c *Centre) arrive() (call *CallTruth) {
	c.do(func() {
		c.n++
		exten := "1001"
		if len(c.dialled) > 0 {
			exten = c.dialled[c.arrived%len(c.dialled)]
		}
		c.arrived++
		ch := ari.Channel{
			ID:   ari.ChannelID(fmt.Sprintf("fake-%d.%d", time.Now().UnixNano(), c.n)),
			Name: fmt.Sprintf("PJSIP/trunk-%08x", c.n), State: "Ring", Created: c.at,
			Caller:  metering.NewNumber(fmt.Sprintf("+39061234%04d", c.n)),
			Context: "from-trunk", Exten: exten,
		}
		c.create(ch)
		ch.App, ch.AppData = "Queue", "support"
		c.channels[ch.ID] = ch
		c.writeCEL("APP_START", ch.ID, "")
		c.send(ari.Event{Kind: ari.ChannelDialplan, Channel: ch})
		call = &CallTruth{ID: string(ch.ID)}
		c.calls = append(c.calls, call)
	})
	return call
}

// operatorSuffix makes the id of an operator's channel from the caller's.
const operatorSuffix = "-op"

// answer connects the caller with an operator, and returns the operator's channel.
func (c *Centre) answer(caller ari.ChannelID) (operator ari.ChannelID, began, from time.Time) {
	c.do(func() {
		c.n++
		operator = caller + operatorSuffix
		c.create(ari.Channel{
			ID: operator, Name: fmt.Sprintf("PJSIP/agent%d-%08x", c.n%9, c.n), State: "Down",
			Created: c.at, App: "AppQueue", AppData: "(Outgoing Line)",
		})
		c.hold[operator], c.hold[caller] = ari.HoldOff, ari.HoldOff
		for _, id := range []ari.ChannelID{operator, caller} {
			up := c.channels[id]
			up.State = "Up"
			c.channels[id] = up
			c.writeCEL("ANSWER", id, "")
			c.send(ari.Event{Kind: ari.ChannelStateChange, Channel: up})
		}
		b := bridgeFor(caller)
		for _, id := range []ari.ChannelID{operator, caller} {
			c.bridges[b] = append(c.bridges[b], id)
			c.writeCEL("BRIDGE_ENTER", id, fmt.Sprintf(`{"bridge_id":%q}`, b))
			c.send(ari.Event{
				Kind: ari.ChannelEnteredBridge, Channel: c.channels[id], Bridge: c.bridge(b),
			})
		}
		began, from = c.mono, c.at
	})
	return operator, began, from
}

func (c *Centre) hangUp(caller, operator ari.ChannelID) {
	b := bridgeFor(caller)
	for _, id := range []ari.ChannelID{caller, operator} {
		c.writeCEL("BRIDGE_EXIT", id, fmt.Sprintf(`{"bridge_id":%q}`, b))
	}
	for _, id := range []ari.ChannelID{operator, caller} {
		c.writeCEL("HANGUP", id, fmt.Sprintf(`{"hangupsource":%q}`, c.channels[caller].Name))
		c.writeCEL("CHAN_END", id, "")
	}
	c.send(ari.Event{Kind: ari.ChannelHangupRequest, Channel: c.channels[caller]})
	c.bridges[b] = []ari.ChannelID{operator}
	c.send(ari.Event{
		Kind: ari.ChannelLeftBridge, Channel: c.channels[caller], Bridge: c.bridge(b),
	})
	c.bridges[b] = nil
	c.send(ari.Event{
		Kind: ari.ChannelLeftBridge, Channel: c.channels[operator], Bridge: c.bridge(b),
	})
	delete(c.bridges, b)
	for _, id := range []ari.ChannelID{operator, caller} {
		gone := c.channels[id]
		delete(c.channels, id)
		delete(c.hold, id)
		c.send(ari.Event{Kind: ari.ChannelDestroyed, Channel: gone})
	}
}

func (c *Centre) create(ch ari.Channel) {
	c.channels[ch.ID] = ch
	c.order = append(c.order, ch.ID)
	c.writeCEL("CHAN_START", ch.ID, "")
	c.send(ari.Event{Kind: ari.ChannelCreated, Channel: ch})
}

func bridgeFor(caller ari.ChannelID) ari.BridgeID { return "b-" + ari.BridgeID(caller) }

func (c *Centre) bridge(id ari.BridgeID) ari.Bridge {
	return ari.Bridge{ID: id, Type: "mixing", Channels: c.bridges[id]}
}

// send sends one event to the gateway, if one is connected. The PBX lists what the event shows
// before the event is sent.
func (c *Centre) send(ev ari.Event) {
	c.exist()
	ev.At, ev.Node = c.at, c.pbx.node
	_ = c.pbx.Send(Frame(ev)) // no gateway may be connected
}

func (c *Centre) exist() {
	var channels []ari.Channel
	for _, id := range c.order {
		if ch, ok := c.channels[id]; ok {
			channels = append(channels, ch)
		}
	}
	var bridges []ari.Bridge
	for id, members := range c.bridges {
		bridges = append(bridges, ari.Bridge{
			ID: id, Type: "mixing", Channels: append([]ari.ChannelID{}, members...),
		})
	}
	hold := map[ari.ChannelID]ari.Hold{}
	for id, h := range c.hold {
		hold[id] = h
	}
	c.pbx.Exist(channels, bridges, hold)
}
