package ari

import (
	"testing"

	"github.com/go-json-experiment/json"
	"pgregory.net/rapid"
)

// What is written by hand is what the JSON encoder writes, whatever the texts hold.
func TestEvidenceIsWrittenAsTheEncoderWouldWriteIt(t *testing.T) {
	text := rapid.OneOf(rapid.Just(""), rapid.String(), rapid.StringMatching(`["\\\x00-\x1f<>&é\x{2028}]{1,6}`),
		rapid.Just("\xff\xe9 not UTF-8"))
	channel := rapid.Custom(func(t *rapid.T) *wireChannel {
		if rapid.Bool().Draw(t, "none") {
			return nil
		}
		c := &wireChannel{
			ID: ChannelID(text.Draw(t, "id")), Name: text.Draw(t, "name"), State: text.Draw(t, "state"),
		}
		c.Dialplan.App, c.Dialplan.AppData = text.Draw(t, "app"), text.Draw(t, "data")
		return c
	})
	bridge := rapid.Custom(func(t *rapid.T) *wireBridge {
		if rapid.Bool().Draw(t, "none") {
			return nil
		}
		b := &wireBridge{
			ID: BridgeID(text.Draw(t, "id")), Type: text.Draw(t, "type"), Creator: text.Draw(t, "creator"),
		}
		if rapid.Bool().Draw(t, "known") {
			b.Channels = []ChannelID{}
			for _, id := range rapid.SliceOfN(text, 0, 3).Draw(t, "channels") {
				b.Channels = append(b.Channels, ChannelID(id))
			}
		}
		return b
	})
	rapid.Check(t, func(t *rapid.T) {
		w := wire{
			Type: text.Draw(t, "type"), Timestamp: text.Draw(t, "timestamp"), Node: text.Draw(t, "node"),
			EventName: text.Draw(t, "event"), Channel: channel.Draw(t, "channel"),
			Caller: channel.Draw(t, "caller"), Peer: channel.Draw(t, "peer"),
			FirstLeg: channel.Draw(t, "leg"), Bridge: bridge.Draw(t, "bridge"),
			From: bridge.Draw(t, "from"), DialStatus: text.Draw(t, "status"),
			MusicClass: text.Draw(t, "music"), Soft: rapid.Bool().Draw(t, "soft"),
			Cause: rapid.Int().Draw(t, "cause"), TechCause: rapid.Int().Draw(t, "tech"),
			Variable: text.Draw(t, "variable"), Value: text.Draw(t, "value"),
			NumberKind: text.Draw(t, "kind"), Digit: text.Draw(t, "digit"),
		}
		if rapid.Bool().Draw(t, "args") {
			w.Args = rapid.SliceOfN(text, 0, 3).Draw(t, "args")
		}
		want, err := json.Marshal(&w, json.Deterministic(true), lenient)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.append(nil); string(got) != string(want) {
			t.Errorf("%s, want %s", got, want)
		}
	})
}
