package gateway_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/aritest"
	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/evidence"
)

// reloadedRun is a gateway whose configuration has been changed while the PBX, whose clock is an hour
// ahead, could not be reached.
type reloadedRun struct {
	*run
	file     string
	channels []ari.Channel
	bridges  []ari.Bridge
}

// inAGap lets the PBX be away while during happens.
func (r *reloadedRun) inAGap(during func()) {
	r.t.Helper()
	r.pbx.FailInfo(1 << 20)
	r.pbx.Cut()
	r.until("pbx.sync_lost", 1)
	during()
	r.pbx.Exist(r.channels, r.bridges, nil)
	r.pbx.FailInfo(0)
	r.until("pbx.synced", 2)
}

func (r *reloadedRun) reload(values ...string) {
	r.t.Helper()
	reloaded := strings.Count(r.log.String(), "config.reloaded")
	r.gateway.Reload(r.t.Context(), func() (*config.Config, error) {
		return reloadableConfig(r.pbx.URL(), r.file, values...)
	})
	r.until("config.reloaded", reloaded+1)
}

// exists has a caller in a bridge with an operator's phone. The caller's channel was made so long ago;
// 0: at the instant of the snapshot.
func (r *reloadedRun) exists(id ari.ChannelID, operator string, ago time.Duration) {
	from := callerOf(id)
	from.App, from.AppData, from.Created = "Queue", "help", r.pbx.Now().Add(-ago)
	if ago == 0 {
		from.Created = r.pbx.Now().Add(time.Hour)
	}
	to := ari.Channel{ID: "late-" + id, Name: "PJSIP/" + operator + "-late" + string(id), State: "Up",
		AppData: "(Outgoing Line)", Created: r.pbx.Now()}
	b := mixing(from.ID, to.ID)
	b.ID = ari.BridgeID("late-" + id)
	r.channels, r.bridges = append(r.channels, from, to), append(r.bridges, b)
}

func newReloadedRun(t *testing.T) *reloadedRun {
	t.Helper()
	pbx := aritest.New()
	t.Cleanup(pbx.Close)
	pbx.SetClock(time.Hour)
	file := t.TempDir() + "/ledger.db"
	conf, err := reloadableConfig(pbx.URL(), file)
	if err != nil {
		t.Fatal(err)
	}
	r := &reloadedRun{run: start(t, pbx, conf), file: file}
	r.until("pbx.synced", 1)
	return r
}

// ends hangs up and checks each call's record: the operators and the price that it arrived under, and
// whether it has talk that is charged from the first whole second on.
func (r *reloadedRun) ends(want map[metering.CallID]arrived) {
	r.t.Helper()
	for id := range want {
		r.happens(ari.Event{Kind: ari.ChannelHangupRequest, Channel: callerOf(ari.ChannelID(id))})
	}
	r.until("record.written", len(want))
	r.stop()
	for id, w := range want {
		rec, first := replayed(r.t, r.file, id)
		c, arrival, err := evidence.ReadCall(first)
		if err != nil {
			r.t.Fatal(err)
		}
		got := arrived{strings.Join(c.Operators, ","), arrival.Terms.Tariff.PerMinute,
			rec.TalkMs > 0 && !slices.Contains(rec.Reasons, metering.ReasonNumberRefused)}
		if got != w {
			r.t.Errorf("%s: %+v, want %+v: %s", id, got, w, rec.JSON())
		}
	}
}

type arrived struct {
	operators, price string
	charged          bool
}

// While the PBX cannot be reached, an operator is taken out. A call that was there before keeps him,
// also on a leg that no event has shown; so has a call that came in the gap before the change. One
// that came after it has the new operators and the new price.
func TestReloadInAGapRemovesAnOperator(t *testing.T) {
	r := newReloadedRun(t)
	r.callOf("before")
	r.inAGap(func() {
		r.exists("before", "agent1", time.Minute)
		r.exists("first", "agent1", time.Minute)
		r.reload("OPERATORS", `"PJSIP/agent2"`, "PRICE", "6.00")
		r.exists("second", "agent1", 0)
		r.exists("third", "agent2", 0)
	})
	r.until("talk.started", 4) // one before the gap
	r.ends(map[metering.CallID]arrived{
		"before": {"PJSIP/agent1", "0.60", true},
		"first":  {"PJSIP/agent1", "0.60", true},
		"second": {"PJSIP/agent2", "6.00", false},
		"third":  {"PJSIP/agent2", "6.00", true},
	})
}

// The same with an operator who is added: for the calls that came before he is a stranger, whose
// number nobody knows.
func TestReloadInAGapAddsAnOperator(t *testing.T) {
	r := newReloadedRun(t)
	r.callOf("before")
	r.inAGap(func() {
		r.exists("before", "agent2", time.Minute)
		r.exists("first", "agent2", time.Minute)
		r.reload("OPERATORS", `"PJSIP/agent1", "PJSIP/agent2"`)
		r.exists("second", "agent2", 0)
	})
	r.until("talk.started", 2) // one before the gap
	const both = "PJSIP/agent1,PJSIP/agent2"
	r.ends(map[metering.CallID]arrived{
		"before": {"PJSIP/agent1", "0.60", false},
		"first":  {"PJSIP/agent1", "0.60", false},
		"second": {both, "0.60", true},
	})
}

// Two changes within one gap: the service is taken out, and comes back at another price.
func TestReloadTwiceInAGap(t *testing.T) {
	r := newReloadedRun(t)
	r.callOf("before")
	r.inAGap(func() {
		r.exists("before", "agent1", time.Minute)
		r.exists("first", "agent1", time.Minute)
		r.reload(`"1001"`, `"1002"`)
		r.reload("PRICE", "6.00")
		r.exists("third", "agent1", 0)
	})
	r.until("talk.started", 4)
	r.ends(map[metering.CallID]arrived{
		"before": {"PJSIP/agent1", "0.60", true},
		"first":  {"PJSIP/agent1", "0.60", true},
		"third":  {"PJSIP/agent1", "6.00", true},
	})
}

// A reload between the two lists of one snapshot: what was made before it is under the old operators.
func TestReloadDuringASnapshot(t *testing.T) {
	r := newReloadedRun(t)
	r.inAGap(func() {
		r.exists("first", "agent1", time.Minute)
		r.pbx.DuringSnapshot(func() {
			r.pbx.DuringSnapshot(nil)
			r.reload("OPERATORS", `"PJSIP/agent2"`)
		})
	})
	r.until("talk.started", 1)
	r.ends(map[metering.CallID]arrived{"first": {"PJSIP/agent1", "0.60", true}})
}
