package gateway

import (
	"time"

	"github.com/risposta/gateway/ari"
)

// at is an instant of the PBX's clock.
func at(second float64) time.Time {
	noon := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	return noon.Add(time.Duration(second * float64(time.Second)))
}

func callerOf(id ari.ChannelID) ari.Channel {
	return ari.Channel{
		ID: id, Name: "PJSIP/trunk-" + string(id), State: "Up", Context: "from-trunk", Exten: "1001",
	}
}

func operatorOf(id ari.ChannelID) ari.Channel {
	return ari.Channel{ID: "op-" + id, Name: "PJSIP/agent1-" + string(id), State: "Up"}
}

func bridgeOf(id ari.ChannelID) ari.Bridge {
	return ari.Bridge{
		ID: "b-" + ari.BridgeID(id), Type: "mixing", Channels: []ari.ChannelID{id, "op-" + id},
	}
}

// arrives brings a caller in and connects an operator.
func arrives(id ari.ChannelID, second float64) []ari.Event {
	alone := ari.Bridge{ID: "b-" + ari.BridgeID(id), Type: "mixing", Channels: []ari.ChannelID{id}}
	return []ari.Event{
		{Kind: ari.ChannelCreated, At: at(second), Channel: callerOf(id)},
		{Kind: ari.ChannelCreated, At: at(second), Channel: operatorOf(id)},
		{Kind: ari.ChannelEnteredBridge, At: at(second), Channel: callerOf(id), Bridge: alone},
		{Kind: ari.ChannelEnteredBridge, At: at(second), Channel: operatorOf(id), Bridge: bridgeOf(id)},
	}
}

// leaves ends a caller's channel.
func leaves(id ari.ChannelID, second float64) []ari.Event {
	return []ari.Event{
		{Kind: ari.ChannelHangupRequest, At: at(second), Channel: callerOf(id)},
		{Kind: ari.ChannelDestroyed, At: at(second), Channel: callerOf(id)},
		{Kind: ari.ChannelDestroyed, At: at(second), Channel: operatorOf(id)},
	}
}

// snapshot shows the callers that talk at an instant.
func snapshot(second float64, talking ...ari.ChannelID) *ari.Snapshot {
	s := &ari.Snapshot{At: at(second), Node: "pbx"}
	for _, id := range talking {
		s.Legs = append(s.Legs, ari.Leg{Channel: callerOf(id), Hold: ari.HoldOff},
			ari.Leg{Channel: operatorOf(id), Hold: ari.HoldOff})
		s.Bridges = append(s.Bridges, bridgeOf(id))
	}
	return s
}
