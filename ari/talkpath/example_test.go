package talkpath_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/talkpath"
)

// A caller waits, talks with an operator, is put on hold, and hangs up.
func ExampleGraph_Step() {
	g := talkpath.New(talkpath.Rules{
		Service: func(c ari.Channel) (string, bool) {
			return "help", c.Context == "from-trunk" && c.Exten == "1001"
		},
		Operator: func(endpoint string) bool { return endpoint == "PJSIP/agent1" },
	})
	start := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	step := func(seconds int, ev ari.Event) {
		ev.At = start.Add(time.Duration(seconds) * time.Second)
		for _, f := range g.Step(ev).Facts {
			line := fmt.Sprint(f.At.Format("15:04:05 "), f.Call, " ", f.Kind, " ", f.Operator)
			fmt.Println(strings.TrimSpace(line))
		}
	}
	maria := ari.Channel{
		ID: "maria", Name: "PJSIP/trunk-00000001", State: "Ring", Context: "from-trunk", Exten: "1001",
		App: "Dial",
	}
	anna := ari.Channel{ID: "anna", Name: "PJSIP/agent1-00000002", State: "Down"}
	step(0, ari.Event{Kind: ari.ChannelCreated, Channel: maria})
	step(1, ari.Event{Kind: ari.ChannelCreated, Channel: anna})
	maria.State, anna.State = "Up", "Up"
	step(5, ari.Event{Kind: ari.ChannelStateChange, Channel: anna})
	step(5, ari.Event{Kind: ari.ChannelStateChange, Channel: maria})
	room := ari.Bridge{ID: "b", Type: "mixing", Channels: []ari.ChannelID{"anna"}}
	step(5, ari.Event{Kind: ari.ChannelEnteredBridge, Channel: anna, Bridge: room})
	room.Channels = append(room.Channels, "maria")
	step(6, ari.Event{Kind: ari.ChannelEnteredBridge, Channel: maria, Bridge: room})
	step(20, ari.Event{Kind: ari.ChannelHold, Channel: anna})
	step(30, ari.Event{Kind: ari.ChannelHangupRequest, Channel: maria})
	// Output:
	// 10:00:00 maria call.arrived
	// 10:00:05 maria caller.answered
	// 10:00:06 maria talk.started PJSIP/agent1
	// 10:00:20 maria talk.paused PJSIP/agent1
	// 10:00:30 maria call.ended
}
