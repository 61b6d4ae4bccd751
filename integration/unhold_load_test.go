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
			var services []service
			for i := range loadedCalls {
				phone := fmt.Sprintf("op%d", i)
				services = append(services, service{
					name: phone, agents: []string{phone}, dialplan: "Progress(); Dial(PJSIP/" + phone + ",30)",
				})
			}
			o := observe(t, c.name, services, nil)
			o.busy(c.loops)
			var parties []*lab.Party
			for i := range loadedCalls {
				script := lab.Called(half).Speaks().Pause(2 * second)
				for range holdsPerCall {
					script = script.Pause(2 * second).Hold().Pause(2 * second).Unhold()
				}
				parties = append(parties, o.operator(t, services[i].name, script.Pause(2*second).Bye().Patient()))
			}
			for i := range loadedCalls {
				parties = append(parties, o.caller(t, i, lab.Calls().Speaks().WaitBye()))
			}
			o.wait(parties...)
			o.until("all channels to be gone", o.idle)
			o.musicAfterUnhold(c.name)
		})
	}
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
