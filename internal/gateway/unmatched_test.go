package gateway_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/aritest"
)

// Calls into the service's context that match none are counted, and logged once for each extension,
// without the number.
func TestUnmatchedCallsAreCounted(t *testing.T) {
	pbx := aritest.New()
	defer pbx.Close()
	r := start(t, pbx, configure(t, pbx, t.TempDir(), ""))
	r.until("pbx.synced", 1)
	for i, exten := range []string{"0612345678", "0612345678", "1002"} {
		caller := ari.Channel{
			ID: ari.ChannelID(fmt.Sprint("c", i)), Name: fmt.Sprintf("PJSIP/trunk-%08x", i), State: "Ring",
			Context: "from-trunk", Exten: exten,
		}
		r.happens(ari.Event{Kind: ari.ChannelCreated, Channel: caller})
		r.happens(ari.Event{Kind: ari.ChannelDestroyed, Channel: caller})
	}
	metrics := r.untilMetric(`risposta_unmatched_calls_total{pbx="fake",reason="no_service"} 3`)
	r.until(`"extension":"1002","context":"from-trunk","reason":"no_service"`, 1)
	r.stop()
	if n := strings.Count(r.log.String(), `"call.unmatched"`); n != 2 {
		t.Errorf("logged %d times, want once for each of two extensions:\n%s", n, r.log)
	}
	if strings.Contains(r.log.String()+metrics, "0612345678") {
		t.Error("a number stands in the log or the metrics")
	}
}

// A customer whom the PBX called back while it was not seen is no caller; one who called is.
func TestDirectionIsAskedOfASnapshot(t *testing.T) {
	pbx := aritest.New()
	defer pbx.Close()
	called := ari.Channel{
		ID: "called", Name: "PJSIP/trunk-00000001", State: "Up", Context: "from-trunk", Exten: "1001",
		App: "Queue", AppData: "support",
	}
	back := called
	back.ID, back.Name = "back", "PJSIP/trunk-00000002"
	pbx.Exist([]ari.Channel{called, back}, nil, map[ari.ChannelID]ari.Hold{})
	pbx.Answer("/channels/back/variable?variable=CHANNEL(pjsip,request_uri)", `{"value":""}`)
	r := start(t, pbx, configure(t, pbx, t.TempDir(), ""))
	r.until(`"event":"call.arrived"`, 1)
	r.stop()
	log := r.log.String()
	if strings.Contains(log, `"call":"back"`) || strings.Contains(log, `"direction":"unknown"`) {
		t.Errorf("the direction is not known, or a callback is a call:\n%s", log)
	}
}
