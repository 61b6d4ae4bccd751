package mediation_test

import (
	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/aritest"
	"github.com/risposta/gateway/metering"
)

// frame writes the event as Asterisk sends it. A channel in the dialplan has the number of its
// caller.
func frame(ev ari.Event) []byte {
	if ev.Channel.Context != "" {
		ev.Channel.Caller = metering.NewNumber("+390612345678")
	}
	return aritest.Frame(ev)
}

// rawFrames are events as frames of the socket.
func rawFrames(events []ari.Event) (frames []ari.Frame) {
	for _, ev := range events {
		frames = append(frames, ari.Frame{Raw: frame(ev)})
	}
	return frames
}
