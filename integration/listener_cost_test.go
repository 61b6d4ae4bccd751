//go:build live

package integration

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

const (
	costRounds = 5
	costCalls  = 100 // of each kind of listener in a round
	costAtOnce = 25
)

// listenerKinds are the ways to listen, and how each is set up; nil: nobody listens.
var listenerKinds = []struct {
	name   string
	listen func(*testing.T, *harness) *listener
}{
	{"none", nil},
	{"subscribeAll", func(t *testing.T, r *harness) *listener { return r.listens(t, "cost", true) }},
	{"subscribeAll-filter", func(t *testing.T, r *harness) *listener {
		l := r.listens(t, "cost", true)
		r.filter(t, "cost", append([]string{"ChannelUserevent"}, meteredTypes...)...)
		return l
	}},
	{"channel-bridge", channelsAndBridges},
	{"channel-bridge-filter", func(t *testing.T, r *harness) *listener {
		l := channelsAndBridges(t, r)
		r.filter(t, "cost", append([]string{"ChannelUserevent"}, meteredTypes...)...)
		return l
	}},
}

func channelsAndBridges(t *testing.T, r *harness) *listener {
	t.Helper()
	l := r.listens(t, "cost", false)
	const path = "/applications/cost/subscription?eventSource=channel:,bridge:"
	if status, text := r.restful(t, http.MethodPost, path, nil); status != http.StatusOK {
		t.Fatalf("subscribing: %d %s", status, text)
	}
	return l
}

// costDialplan is a call without SIP: two pairs of Local channels, a Dial, an answer, and two
// bridges.
const costDialplan = `[burst]
exten => 1,1,Dial(Local/2@burst/n,10)
exten => 2,1,Answer()
 same => n,Wait(0.05)
exten => 3,1,Wait(5)
`

// What a listener costs Asterisk: the kinds take turns on one Asterisk, so that a busy machine
// slows all alike, and what counts is the median of the rounds.
func TestObserveWhatAListenerCosts(t *testing.T) {
	r := newHarness(t, nil, map[string]string{"extensions.d/burst.conf": costDialplan})
	rest, err := os.Create(filepath.Join(r.dir, "rest.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	o := &observation{harness: r, T: t, dir: r.dir, rest: rest}
	o.calls(costCalls) // the first ones load what the next ones find
	used, frames := map[string][]time.Duration{}, map[string]int{}
	for round := range costRounds {
		for i := range listenerKinds {
			kind := listenerKinds[(i+round)%len(listenerKinds)]
			cpu, n := o.costOf(kind.listen)
			used[kind.name] = append(used[kind.name], cpu)
			frames[kind.name] += n
		}
	}
	for _, kind := range listenerKinds {
		slices.Sort(used[kind.name])
		ms := func(d time.Duration) float64 { return d.Seconds() * 1000 / costCalls }
		t.Logf("%s: Asterisk used %.2f to %.2f ms a call, median %.2f, and sent %.1f frames", kind.name,
			ms(used[kind.name][0]), ms(used[kind.name][costRounds-1]), ms(used[kind.name][costRounds/2]),
			float64(frames[kind.name])/(costRounds*costCalls))
	}
	if frames["subscribeAll-filter"] == 0 || frames["subscribeAll-filter"] >= frames["subscribeAll"] {
		t.Errorf("the filter lets %d frames through, of %d", frames["subscribeAll-filter"], frames["subscribeAll"])
	}
}

// costOf plays calls under a listener.
func (o *observation) costOf(listen func(*testing.T, *harness) *listener) (cpu time.Duration, frames int) {
	o.Helper()
	var l *listener
	if listen != nil {
		l = listen(o.T, o.harness)
	}
	before := o.processor()
	o.calls(costCalls)
	cpu = o.processor() - before
	if l == nil {
		return cpu, 0
	}
	_, frames = l.counts()
	l.stop()
	o.harness.gone(o.T, "cost")
	return cpu, frames
}

// calls plays calls and waits until all channels are gone.
func (o *observation) calls(n int) {
	o.Helper()
	q := url.Values{"endpoint": {"Local/1@burst/n"}, "context": {"burst"}, "extension": {"3"}, "priority": {"1"}}
	for i := range n {
		if a := o.ask(http.MethodPost, "/channels", q); a.Status != http.StatusOK {
			o.Fatalf("call %d: %d %v", i, a.Status, a.Body)
		}
		if i%costAtOnce == costAtOnce-1 {
			o.until("the calls to end", o.idle)
		}
	}
}
