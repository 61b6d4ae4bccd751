//go:build live

package integration

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/integration/judge"
	"github.com/risposta/gateway/integration/lab"
)

// tolerance is how far a boundary of talk may lie from the CEL's. Both are Asterisk's own timestamps of neighbouring events.
const tolerance = 20 * time.Millisecond

// The six shapes of the recorded calls, live.
var shapes = []service{
	{
		name: "answered", dialplan: "Answer(); Wait(0.5); Queue(answered)", agents: []string{"op1"},
		queues: "[answered]\nmember => PJSIP/op1",
	},
	{
		name: "early-media", dialplan: "Progress(); Queue(early)", agents: []string{"op2"},
		queues: "[early]\nmember => PJSIP/op2",
	},
	{
		name: "local-member", dialplan: "Answer(); Wait(0.5); Queue(localq)", agents: []string{"op3"},
		queues: "[localq]\nmember => Local/op3@local-agents/n",
	},
	{
		name: "announced", dialplan: "Progress(); Queue(ann)", agents: []string{"op4"},
		queues: "[ann]\nannounce = vm-goodbye\nmember => PJSIP/op4",
	},
	{
		name: "hold-transfer", dialplan: "Progress(); Queue(first)", agents: []string{"op5", "op6"},
		queues: "[first]\nmember => PJSIP/op5\n[second]\nmember => PJSIP/op6",
	},
	{
		name: "abandoned", dialplan: "Answer(); Wait(0.5); Queue(never)", agents: []string{"op7"},
		queues: "[never]\nmember => PJSIP/op7",
	},
	{
		name: "abandoned-unanswered", dialplan: "Progress(); Queue(neverup)", agents: []string{"op8"},
		queues: "[neverup]\nmember => PJSIP/op8",
	},
	{name: "transfer-target", dialplan: "Queue(second)"},
}

const (
	second = time.Second
	half   = 500 * time.Millisecond
)

// holdsAndTransfers talks 2 s, holds 2 s, talks 1.5 s, transfers.
func holdsAndTransfers(rings time.Duration, target string) *lab.Script {
	return lab.Called(rings).Pause(2 * second).Hold().Pause(2 * second).Unhold().Pause(1500 * time.Millisecond).Refer(target)
}

// play makes the i-th shape happen and returns when the caller is gone.
func (r *rig) play(t *testing.T, i int) {
	t.Helper()
	const rings = 2 * second
	var parties []*lab.Party
	var caller *lab.Party
	switch shapes[i].name {
	case "answered":
		parties = append(parties, r.operator(t, "op1", lab.Called(rings).WaitBye()))
		caller = r.caller(t, i, lab.Calls().Pause(8*second).Bye())
	case "early-media":
		parties = append(parties, r.operator(t, "op2", lab.Called(rings).WaitBye()))
		caller = r.caller(t, i, lab.Calls().Pause(6*second).Bye())
	case "local-member":
		parties = append(parties, r.operator(t, "op3", lab.Called(rings).WaitBye()))
		caller = r.caller(t, i, lab.Calls().Pause(9*second).Bye())
	case "announced":
		parties = append(parties, r.operator(t, "op4", lab.Called(rings).WaitBye()))
		caller = r.caller(t, i, lab.Calls().Pause(8*second).Bye())
	case "hold-transfer":
		parties = append(parties,
			r.operator(t, "op5", holdsAndTransfers(rings, numberOf(len(shapes)-1))),
			r.operator(t, "op6", lab.Called(rings).WaitBye()))
		caller = r.caller(t, i, lab.Calls().Pause(13*second).Bye())
	case "abandoned":
		r.operator(t, "op7", lab.Ringing().Cancelled())
		caller = r.caller(t, i, lab.Calls().Pause(1700*time.Millisecond).Bye())
	case "abandoned-unanswered":
		r.operator(t, "op8", lab.Ringing().Cancelled())
		caller = r.caller(t, i, lab.GivesUp(1200*time.Millisecond))
	}
	for _, p := range append(parties, caller) {
		if err := p.Wait(r.ctx); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLiveShapesAgreeWithAsterisksOwnLog(t *testing.T) {
	r := newRig(t, shapes, map[string]string{"extensions.d/local.conf": `
[local-agents]
exten => _op[0-9],1,Dial(PJSIP/${EXTEN},30)
`})
	r.start(t)
	t.Run("calls", func(t *testing.T) {
		for i, s := range shapes[:len(shapes)-1] {
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				r.play(t, i)
				rec := r.record(t, s.name)
				r.compare(t, i, rec)
			})
		}
	})
	r.noClearNumbers(t)
}

// compare holds the record against the CEL, stretch by stretch.
func (r *rig) compare(t *testing.T, i int, rec lab.Record) {
	t.Helper()
	r.promptly(t, rec)
	var want []judge.Talk
	err := lab.Until(r.ctx, 10*time.Second, "the CEL of the call to be complete", func() error {
		cel, err := r.pbx.Log(r.ctx, "cel-custom/cel.csv")
		if err != nil {
			return err
		}
		ids, err := judge.Calls(cel, callerOf(i))
		if err != nil {
			return err
		}
		if len(ids) != 1 || ids[0] != rec.Call {
			return fmt.Errorf("the CEL has calls %v, the record is of %s", ids, rec.Call)
		}
		want, err = judge.Truth(cel, ids[0], "PJSIP/op*")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	// A feature of the bridge lets go of the caller a millisecond before the operator leaves: that is no stretch for either side.
	rec.Talk = slices.DeleteFunc(rec.Talk, func(s lab.Talk) bool { return s.To.Sub(s.From) < tolerance })
	want = slices.DeleteFunc(want, func(s judge.Talk) bool { return s.To.Sub(s.From) < tolerance })
	if len(rec.Talk) != len(want) {
		t.Fatalf("%d stretches of talk, want %d\n got %+v\nwant %+v", len(rec.Talk), len(want), rec.Talk, want)
	}
	for k, got := range rec.Talk {
		if got.From.Sub(want[k].From).Abs() > tolerance || got.To.Sub(want[k].To).Abs() > tolerance || got.Operator != want[k].Operator {
			t.Errorf("stretch %d: got %s to %s with %s, want %s to %s with %s", k,
				got.From, got.To, got.Operator, want[k].From, want[k].To, want[k].Operator)
		}
	}
	talk := time.Duration(rec.TalkMs) * time.Millisecond
	if sum := judge.Sum(want); (talk - sum).Abs() > tolerance {
		t.Errorf("talk_ms %d, the CEL has %s", rec.TalkMs, sum)
	}
	wantAmount := map[bool]string{true: amount(rec.TalkMs), false: "0.00"}[rec.TalkMs > 0]
	if rec.Charge.Amount != wantAmount {
		t.Errorf("charged %s for %d ms, want %s", rec.Charge.Amount, rec.TalkMs, wantAmount)
	}
	t.Logf("truth %s, Risposta %s, charged %s", judge.Sum(want), talk, rec.Charge.Amount)
}

// amount is the price of some talk at 0.96 a minute by the second: 16 thousandths of a euro for each, worked out in whole numbers.
func amount(talkMs int64) string {
	cents := talkMs / 1000 * 16 / 10
	return fmt.Sprintf("%d.%02d", cents/100, cents%100)
}

// noClearNumbers looks for the callers' numbers in everything that the gateway has written.
func (r *rig) noClearNumbers(t *testing.T) {
	t.Helper()
	said := r.gw.Log()
	out, _, err := r.gw.Command(r.ctx, "records")
	if err != nil {
		t.Fatal(err)
	}
	said += out
	for line := range strings.Lines(out) {
		_, after, _ := strings.Cut(line, `"call":"`)
		call, _, _ := strings.Cut(after, `"`)
		evidence, code, err := r.gw.Command(r.ctx, "explain", "--evidence", call)
		if err != nil || code != 0 || evidence == "" {
			t.Fatalf("the evidence of %q: exit %d, %v", call, code, err)
		}
		explained, code, err := r.gw.Command(r.ctx, "explain", call)
		if err != nil || code != 0 || !strings.Contains(explained, "byte for byte") {
			t.Errorf("explaining %q: exit %d, %v:\n%s", call, code, err, explained)
		}
		said += evidence + explained
	}
	_, metrics, err := r.gw.Get(r.ctx, "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	said += metrics
	if strings.Count(said, "call.arrived") < 7 {
		t.Fatal("the log does not hold the calls: nothing is proved by looking through it")
	}
	for _, secret := range []string{"6123400", lab.ARIPassword, "a key for the lab", "Maria"} {
		if strings.Contains(said, secret) {
			t.Errorf("%q stands in clear in what the gateway has written", secret)
		}
	}
}
