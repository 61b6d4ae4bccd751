package mediation_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering"
)

// restartedGateway is a gateway beside a call center that is started anew, with a checkpoint or
// without, also under another list of operators.
type restartedGateway struct {
	*callCenter
	m         *mediation.Mediator
	out       mediation.Output
	delivered int
	gapped    map[metering.CallID]bool // calls that a restart left without a checkpoint
	kept      *keptCheckpoint          // the last one that a meter of a cluster made
}

// keptCheckpoint is what a meter of a cluster leaves from time to time: the PBX as it was, and how far
// the stream was read.
type keptCheckpoint struct {
	snapshot  []byte
	watermark time.Time
	delivered int
}

func (g *restartedGateway) deliver() {
	for _, f := range rawFrames(g.events[g.delivered:]) {
		g.m.Feed(f, &g.out)
	}
	g.delivered = len(g.events)
	for _, p := range g.people {
		p.recorded = p.recorded || p.ended
	}
}

// openCalls are the open calls in the order of arrival.
func (g *restartedGateway) openCalls() (open []metering.CallID) {
	for _, opened := range g.out.Opened {
		if g.m.Call(opened.Call) != nil {
			open = append(open, opened.Call)
		}
	}
	return open
}

func (g *restartedGateway) replay(call metering.CallID) *mediation.Mediator {
	m, _, err := mediation.Replay(evidenceOf(&g.out, call))
	if err != nil {
		g.t.Fatal(err)
	}
	return m
}

// next is the gateway of the next run, under a list of operators that callers arrive under from
// here on.
func (g *restartedGateway) next() *mediation.Mediator {
	g.list = rapid.IntRange(0, len(operatorLists)-1).Draw(g.t, "list of operators")
	return mediation.New(listRules(g.t, g.list))
}

// resume goes on from a checkpoint: nothing was lost.
func (g *restartedGateway) resume() {
	next := g.next()
	saved := ari.EncodeEvidence(ari.Event{
		Kind: ari.SnapshotTaken, At: g.now, Node: "pbx", Snapshot: g.m.Snapshot(),
	})
	known, err := ari.DecodeEvidence(saved)
	if err != nil {
		g.t.Fatal(err)
	}
	for i := range known.Snapshot.Legs {
		leg := &known.Snapshot.Legs[i]
		leg.Done = g.done(leg.Channel.ID)
	}
	next.Load(known.Snapshot, g.m.Watermark())
	for _, call := range g.openCalls() {
		if !next.Reattach(g.replay(call), call) {
			g.t.Fatalf("call %s does not fit the checkpoint %s", call, saved)
		}
	}
	g.m = next
}

// keep makes a checkpoint, and goes on.
func (g *restartedGateway) keep() {
	g.kept = &keptCheckpoint{
		snapshot: ari.EncodeEvidence(ari.Event{
			Kind: ari.SnapshotTaken, At: g.now, Node: "pbx", Snapshot: g.m.Snapshot(),
		}),
		watermark: g.m.Watermark(), delivered: g.delivered,
	}
}

// takeOver goes on as another meter of a cluster: the PBX comes from the last checkpoint and from the
// frames since, the calls come from the ledger.
func (g *restartedGateway) takeOver() {
	if g.kept == nil {
		return
	}
	known, err := ari.DecodeEvidence(g.kept.snapshot)
	if err != nil {
		g.t.Fatal(err)
	}
	follower, next := mediation.New(modelRules(g.t)), g.next()
	follower.Load(known.Snapshot, g.kept.watermark)
	for _, f := range rawFrames(g.events[g.kept.delivered:g.delivered]) {
		follower.Feed(f, &mediation.Output{})
	}
	now := follower.Snapshot()
	for i := range now.Legs {
		now.Legs[i].Done = g.done(now.Legs[i].Channel.ID)
	}
	if own := g.m.Watermark(); !follower.Watermark().Equal(own) {
		g.t.Fatalf("the watermark is %s, and was %s", follower.Watermark(), own)
	}
	next.Follow(follower, now)
	for _, call := range g.openCalls() {
		if !next.Reattach(g.replay(call), call) {
			g.t.Fatalf("call %s does not fit what was read from the stream: %s", call,
				ari.EncodeEvidence(ari.Event{Kind: ari.SnapshotTaken, Snapshot: now}))
		}
	}
	g.m = next
}

func (g *restartedGateway) done(id ari.ChannelID) bool {
	for _, r := range g.out.Records {
		if r.Call == metering.CallID(id) {
			return true
		}
	}
	return false
}

// appOutsideCalls reports whether an application runs on a channel that is in no bridge with a
// caller. It stands in no call's evidence, so a crash forgets that it began.
func (g *restartedGateway) appOutsideCalls() bool {
	open := func(p *person) bool { return p.caller && !p.ended }
	return slices.ContainsFunc(g.people, func(p *person) bool {
		return !p.inApp.IsZero() && !slices.ContainsFunc(p.at.inside, open)
	})
}

// crash goes on from the ledger alone, as after a checkpoint that cannot be resumed: the PBX has
// gone on for a second, or not at all.
func (g *restartedGateway) crash() {
	if g.appOutsideCalls() {
		return
	}
	g.kept = nil // a meter makes the next one after the snapshot
	next := g.next()
	for _, call := range g.openCalls() {
		next.Adopt(g.replay(call), call)
		g.gapped[call] = true
	}
	next.SetWatermark(g.m.Watermark())
	g.m = next
	gap := ari.Event{Kind: ari.Gap, Node: "pbx", Reason: ari.GapRestart}
	g.m.Feed(ari.Frame{Event: &gap}, &g.out)
	g.now = g.now.Add(time.Duration(rapid.IntRange(0, 1000).Draw(g.t, "ms away")) * time.Millisecond)
	taken := ari.Event{Kind: ari.SnapshotTaken, At: g.now, Node: "pbx", Snapshot: g.snapshot()}
	g.m.Feed(ari.Frame{Event: &taken}, &g.out)
}

// The gateway restarts under other lists of operators. A call goes on under the list that it arrived
// under. From a checkpoint its talk is the truth; without one nothing unseen is charged.
func TestModelRestartsWithOtherOperators(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		g := &restartedGateway{
			callCenter: newCallCenter(t), m: mediation.New(modelRules(t)),
			gapped: map[metering.CallID]bool{},
		}
		g.deliver()
		actions := g.actions()
		actions["an orderly restart is resumed"] = func(t *rapid.T) { g.t = t; g.resume() }
		actions["a resume fails"] = func(t *rapid.T) { g.t = t; g.crash() }
		actions["a meter keeps a checkpoint"] = func(t *rapid.T) { g.t = t; g.keep() }
		actions["another meter takes over"] = func(t *rapid.T) { g.t = t; g.takeOver() }
		actions[""] = func(*rapid.T) { g.deliver() }
		t.Repeat(actions)
		g.end()
		g.deliver()
		records := checkAll(t, g.callCenter, g.m, &g.out)
		checkIntervals(t, g.callCenter, records)
		for id := range records {
			if g.gapped[metering.CallID(id)] {
				delete(records, id)
			}
		}
		checkTruth(t, g.callCenter, records)
	})
}
