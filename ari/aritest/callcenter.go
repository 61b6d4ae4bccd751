package aritest

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"
)

// Centre is a call centre at a fake PBX: calls that wait, talk, are held and talk again, and whose truth it knows. What it says it also shows when it is
// asked for its channels.
type Centre struct {
	pbx  *PBX
	rnd  *rand.Rand
	mu   sync.Mutex // one thing happens after the other
	at   time.Time  // when what happens at present does, by the PBX's clock
	mono time.Time  // and by one that nobody sets

	n        int
	channels map[string]channel
	order    []string
	bridges  map[string][]string
	hold     map[string]string
	calls    []*CallTruth
	cel      strings.Builder
}

// CallTruth is what really happened in one call.
type CallTruth struct {
	ID     string
	Ended  bool
	TalkMs int64 // by a clock that nobody sets
	Talk   [][2]time.Time
}

type channel struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	State  string `json:"state"`
	Caller struct {
		Number string `json:"number"`
	} `json:"caller"`
	Dialplan struct {
		Context string `json:"context"`
		Exten   string `json:"exten"`
		App     string `json:"app_name"`
		Data    string `json:"app_data"`
	} `json:"dialplan"`
	Created string `json:"creationtime"`
}

type bridge struct {
	ID       string   `json:"id"`
	Type     string   `json:"bridge_type"`
	Channels []string `json:"channels"`
}

const stamp = "2006-01-02T15:04:05.000-0700"

// NewCentre makes an empty centre. The seed makes its pauses; print it.
func NewCentre(p *PBX, seed uint64) *Centre {
	return &Centre{
		pbx: p, rnd: rand.New(rand.NewPCG(seed, seed)), channels: map[string]channel{}, bridges: map[string][]string{}, hold: map[string]string{},
	}
}

// Times are how long the parts of a call take: each between half of it and one and a half of it.
type Times struct{ Wait, Talk, Hold time.Duration }

// Call plays one call to its end, or until ctx ends.
func (c *Centre) Call(ctx context.Context, t Times) {
	call := c.arrive()
	c.pause(ctx, t.Wait)
	op, began, from := c.answer(call)
	stop := func() {
		call.TalkMs += c.mono.Sub(began).Milliseconds() + 1
		call.Talk = append(call.Talk, [2]time.Time{from, c.at})
	}
	c.pause(ctx, t.Talk)
	c.say(func() {
		stop()
		c.hold[op] = "1"
		c.log("STREAM_BEGIN", call.ID, `{"class":"default"}`)
		c.send("ChannelHold", op, "", `,"musicclass":"default"`)
	})
	c.pause(ctx, t.Hold)
	c.say(func() {
		c.hold[op] = "0"
		c.log("STREAM_END", call.ID, "")
		c.send("ChannelUnhold", op, "", "")
		began, from = c.mono, c.at
	})
	c.pause(ctx, t.Talk)
	c.say(func() {
		stop()
		c.leave(call.ID, op)
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

// CEL is what a real Asterisk would have written of all this, as deploy/asterisk/etc/cel_custom.conf has it.
func (c *Centre) CEL() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cel.String()
}

func (c *Centre) log(event, id, extra string) {
	ch := c.channels[id]
	linked := strings.TrimSuffix(id, "-op")
	fmt.Fprintf(&c.cel, "%q,%q,%q,%q,%q,%q,\"%s\",%q,%q\n", event, c.at.Format("2006-01-02 15:04:05.000"), ch.Caller.Number, id, linked, ch.Name,
		strings.ReplaceAll(extra, `"`, `""`), ch.Dialplan.Exten, ch.Dialplan.Context)
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

// say lets things happen, one after the other.
func (c *Centre) say(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at, c.mono = c.pbx.Now().Truncate(time.Millisecond), time.Now()
	f()
}

func (c *Centre) arrive() (call *CallTruth) {
	c.say(func() {
		c.n++
		id := fmt.Sprintf("fake-%d.%d", time.Now().UnixNano(), c.n)
		ch := channel{ID: id, Name: fmt.Sprintf("PJSIP/trunk-%08x", c.n), State: "Ring", Created: c.at.Format(stamp)}
		ch.Caller.Number = fmt.Sprintf("+39061234%04d", c.n)
		ch.Dialplan.Context, ch.Dialplan.Exten = "from-trunk", "1001"
		c.add(ch)
		c.log("CHAN_START", id, "")
		c.send("ChannelCreated", id, "", "")
		ch.Dialplan.App, ch.Dialplan.Data = "Queue", "support"
		c.channels[id] = ch
		c.send("ChannelDialplan", id, "", "")
		call = &CallTruth{ID: id}
		c.calls = append(c.calls, call)
	})
	return call
}

// answer connects the caller with an operator, and returns the operator's channel.
func (c *Centre) answer(call *CallTruth) (op string, began, from time.Time) {
	c.say(func() {
		c.n++
		op = fmt.Sprintf("%s-op", call.ID)
		ch := channel{ID: op, Name: fmt.Sprintf("PJSIP/agent%d-%08x", c.n%9, c.n), State: "Down", Created: c.at.Format(stamp)}
		ch.Dialplan.App, ch.Dialplan.Data = "AppQueue", "(Outgoing Line)"
		c.add(ch)
		c.hold[op], c.hold[call.ID] = "0", "0"
		c.log("CHAN_START", op, "")
		c.send("ChannelCreated", op, "", "")
		for _, id := range []string{op, call.ID} {
			up := c.channels[id]
			up.State = "Up"
			c.channels[id] = up
			c.log("ANSWER", id, "")
			c.send("ChannelStateChange", id, "", "")
		}
		b := "b-" + call.ID
		for _, id := range []string{op, call.ID} {
			c.bridges[b] = append(c.bridges[b], id)
			c.log("BRIDGE_ENTER", id, `{"bridge_id":"`+b+`"}`)
			c.send("ChannelEnteredBridge", id, b, "")
		}
		began, from = c.mono, c.at
	})
	return op, began, from
}

func (c *Centre) leave(caller, op string) {
	b := "b-" + caller
	for _, id := range []string{caller, op} {
		c.log("BRIDGE_EXIT", id, `{"bridge_id":"`+b+`"}`)
	}
	for _, id := range []string{op, caller} {
		c.log("HANGUP", id, `{"hangupsource":"`+c.channels[caller].Name+`"}`)
		c.log("CHAN_END", id, "")
	}
	c.send("ChannelHangupRequest", caller, "", "")
	c.bridges[b] = []string{op}
	c.send("ChannelLeftBridge", caller, b, "")
	c.bridges[b] = []string{}
	c.send("ChannelLeftBridge", op, b, "")
	delete(c.bridges, b)
	for _, id := range []string{op, caller} {
		gone := c.channels[id]
		delete(c.channels, id)
		delete(c.hold, id)
		c.sendOf("ChannelDestroyed", gone, "", "")
	}
}

func (c *Centre) add(ch channel) {
	c.channels[ch.ID] = ch
	c.order = append(c.order, ch.ID)
}

// send says one thing to whoever listens; nobody may. What it says can be asked for before it is said.
func (c *Centre) send(kind, id, in, more string) { c.sendOf(kind, c.channels[id], in, more) }

func (c *Centre) sendOf(kind string, of channel, in, more string) {
	c.show()
	ch, err := json.Marshal(of)
	if err != nil {
		panic(err) // every field can be encoded
	}
	if in != "" {
		b, err := json.Marshal(bridge{ID: in, Type: "mixing", Channels: append([]string{}, c.bridges[in]...)})
		if err != nil {
			panic(err)
		}
		more += `,"bridge":` + string(b)
	}
	_ = c.pbx.Send(fmt.Appendf(nil, `{"type":%q,"timestamp":%q,"asterisk_id":%q,"channel":%s%s}`, kind, c.at.Format(stamp), Node, ch, more))
}

func (c *Centre) show() {
	channels, bridges, hold := []channel{}, []bridge{}, map[string]string{}
	for _, id := range c.order {
		if ch, ok := c.channels[id]; ok {
			channels = append(channels, ch)
		}
	}
	for id, members := range c.bridges {
		bridges = append(bridges, bridge{ID: id, Type: "mixing", Channels: append([]string{}, members...)})
	}
	for id, v := range c.hold {
		hold[id] = v
	}
	cs, err := json.Marshal(channels)
	if err != nil {
		panic(err)
	}
	bs, err := json.Marshal(bridges)
	if err != nil {
		panic(err)
	}
	c.pbx.Exist(string(cs), string(bs), hold)
}
