//go:build live

package integration

import (
	"encoding/csv"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/integration/judge"
	"github.com/risposta/gateway/integration/lab"
)

const (
	loadedCalls  = 10
	holdsPerCall = 5
)

// On a PBX with more work than processors, CEL's STREAM_END of a hold follows ARI's ChannelUnhold.
func TestObserveMusicEndsAfterUnholdUnderLoad(t *testing.T) {
	for _, c := range []struct {
		name  string
		loops int
	}{{"unhold-idle", 0}, {"unhold-loaded", 3}} {
		t.Run(c.name, func(t *testing.T) {
			o := observe(t, c.name, loadedServices(), nil)
			o.busy(c.loops)
			o.wait(o.holdingCalls(t)...)
			o.until("all channels to be gone", o.idle)
			o.musicAfterUnhold(c.name)
		})
	}
}

// The gateway meters such calls: their talk after a hold begins where the music ends. Where Asterisk
// itself takes longer from the mark of that end (BRIDGEPEER) to the end, no event says so.
func TestLongMusicAfterUnholdUnderLoad(t *testing.T) {
	o := observe(t, "live-unhold-loaded", loadedServices(), nil)
	o.start(t)
	o.busy(3)
	o.wait(o.holdingCalls(t)...)
	o.until("all channels to be gone", o.idle)
	cel, err := o.pbx.Log(o.ctx, "cel-custom/cel.csv")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(cel)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	marks, peer := o.bridgesSetUp()
	var charged, late time.Duration // the most of any hold
	for i := range loadedCalls {
		rec := o.record(t, fmt.Sprintf("op%d", i))
		operator := fmt.Sprintf("PJSIP/op%d", i)
		ends := musicEnds(rows, peer[operator])
		if len(ends) != holdsPerCall || len(rec.Talk) < 2 {
			t.Errorf("%s: %d ends of music, talk %+v; want %d holds", operator, len(ends), rec.Talk,
				holdsPerCall)
			continue
		}
		for _, talk := range rec.Talk {
			for _, end := range ends {
				if !talk.From.Before(end) || !talk.To.After(end) {
					continue // it began after the music, or ended before: nothing of it is charged
				}
				music, hop := end.Sub(talk.From), end.Sub(lastBefore(marks[operator], end))
				charged, late = max(charged, music), max(late, hop)
				if music > tolerance && music > hop+2*time.Millisecond {
					t.Errorf("%s: talk from %s, the music ended %s later; BRIDGEPEER came %s before it",
						operator, talk.From, music, hop)
				}
			}
		}
	}
	t.Logf("music charged: at most %s a hold; STREAM_END after BRIDGEPEER: at most %s", charged, late)
}

// bridgesSetUp lists when the bridges of operators were set up, and the callers' channels in them, by
// the operators' endpoints.
func (o *observation) bridgesSetUp() (marks map[string][]time.Time, peer map[string]string) {
	o.Helper()
	marks, peer = map[string][]time.Time{}, map[string]string{}
	for _, f := range o.frames() {
		if !f.is("ChannelVarset", "PJSIP/op") || f.at("variable") != "BRIDGEPEER" || f.at("value") == "" {
			continue
		}
		at, err := time.Parse("2006-01-02T15:04:05.000-0700", f.at("timestamp"))
		if err != nil {
			o.Fatal(err)
		}
		operator, _, _ := strings.Cut(f.at("channel.name"), "-")
		marks[operator] = append(marks[operator], at)
		peer[operator] = f.at("value")
	}
	return marks, peer
}

// lastBefore is the last of some instants, in order, that is not after another.
func lastBefore(instants []time.Time, end time.Time) (last time.Time) {
	for _, at := range instants {
		if !at.After(end) {
			last = at
		}
	}
	return last
}

func loadedServices() (services []service) {
	for i := range loadedCalls {
		phone := fmt.Sprintf("op%d", i)
		services = append(services, service{
			name: phone, agents: []string{phone}, dialplan: "Progress(); Dial(PJSIP/" + phone + ",30)",
		})
	}
	return services
}

// holdingCalls starts a call of each loaded service, whose operator holds the caller several times.
func (o *observation) holdingCalls(t *testing.T) (parties []*lab.Party) {
	t.Helper()
	for i := range loadedCalls {
		script := lab.Called(half).Speaks().Pause(2 * second)
		for range holdsPerCall {
			script = script.Pause(2 * second).Hold().Pause(2 * second).Unhold()
		}
		script = script.Pause(2 * second).Bye().Patient()
		parties = append(parties, o.operator(t, fmt.Sprintf("op%d", i), script))
	}
	for i := range loadedCalls {
		parties = append(parties, o.caller(t, i, lab.Calls().Speaks().WaitBye()))
	}
	return parties
}

// busy starts loops that do nothing but use a processor, inside the container, for the length of
// the calls.
func (o *observation) busy(loops int) {
	o.Helper()
	for range loops {
		loop := []string{"exec", "--detach", o.pbx.ID, "timeout", "30", "sh", "-c", "while :; do :; done"}
		cmd := exec.CommandContext(o.ctx, "docker", loop...)
		if out, err := cmd.CombinedOutput(); err != nil {
			o.Fatalf("%v: %s", err, out)
		}
	}
}

// musicAfterUnhold compares each ChannelUnhold of an operator with the STREAM_END of the caller, by
// their order.
func (o *observation) musicAfterUnhold(name string) {
	o.Helper()
	cel, err := o.pbx.Log(o.ctx, "cel-custom/cel.csv")
	if err != nil {
		o.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(cel)).ReadAll()
	if err != nil {
		o.Fatal(err)
	}
	peer := map[string]string{} // of an operator's channel: the caller's
	unholds := map[string][]time.Time{}
	for _, f := range o.frames() {
		operator := f.at("channel.name")
		switch {
		case f.is("ChannelVarset", "PJSIP/op") && f.at("variable") == "BRIDGEPEER" && f.at("value") != "":
			peer[operator] = f.at("value")
		case f.is("ChannelUnhold", "PJSIP/op"):
			at, err := time.Parse("2006-01-02T15:04:05.000-0700", f.at("timestamp"))
			if err != nil {
				o.Fatal(err)
			}
			unholds[operator] = append(unholds[operator], at)
		}
	}
	var late []time.Duration
	for operator, at := range unholds {
		ends := musicEnds(rows, peer[operator])
		if len(ends) != len(at) || len(at) != holdsPerCall {
			o.Errorf("%s: %d ChannelUnhold, %d STREAM_END of %s; want %d", operator, len(at), len(ends),
				peer[operator], holdsPerCall)
			continue
		}
		for i := range at {
			late = append(late, ends[i].Sub(at[i]))
		}
	}
	if len(late) != loadedCalls*holdsPerCall {
		o.Fatalf("%d holds, want %d", len(late), loadedCalls*holdsPerCall)
	}
	slices.Sort(late)
	if late[0] < -tolerance {
		o.Errorf("the music ended %s before the ChannelUnhold", -late[0])
	}
	o.Logf("%s: STREAM_END after ChannelUnhold: least %s, median %s, nine of ten %s, most %s",
		name, late[0], late[len(late)/2], late[len(late)*9/10], late[len(late)-1])
}

// musicEnds lists a caller's STREAM_ENDs after the caller was bridged: those of its holds.
func musicEnds(rows [][]string, channel string) (ends []time.Time) {
	bridged := false
	for _, row := range rows {
		if row[5] != channel {
			continue
		}
		bridged = bridged || row[0] == "BRIDGE_ENTER"
		if at, err := judge.ParseTime(row[1]); err == nil && bridged && row[0] == "STREAM_END" {
			ends = append(ends, at)
		}
	}
	return ends
}
