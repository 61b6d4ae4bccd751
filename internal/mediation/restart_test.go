package mediation_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/tariff"
)

// scene is a mediator and what one caller and one operator do at it.
type scene struct {
	*mediation.Mediator
	out              mediation.Output
	caller, operator ari.Channel
}

// newScene makes a mediator under a configuration with these operators.
func newScene(t *testing.T, operators ...string) *scene {
	t.Helper()
	globs, err := mediation.NewGlobs(operators...)
	if err != nil {
		t.Fatal(err)
	}
	return &scene{
		Mediator: mediation.New(mediation.Rules{
			Service:   func(c ari.Channel) (string, bool) { return "help", c.Exten == "1001" },
			Operators: globs,
			Terms: func(string, time.Time) metering.Terms {
				return metering.Terms{Tariff: &tariff.Tariff{
					Name: "standard", PerMinute: "0.96", Increment: time.Second, Currency: "EUR",
				}}
			},
			Pseudonym: func(metering.Number) string { return "c-x" },
		}),
		caller: ari.Channel{
			ID: "c", Name: "PJSIP/trunk-00000001", State: "Ring", Context: "from-trunk", Exten: "1001",
			App: "Dial",
		},
		operator: ari.Channel{ID: "o", Name: "PJSIP/agent2-00000002", State: "Down"},
	}
}

// seconds is an instant of the scene.
func seconds(s float64) time.Time { return dawn.Add(time.Duration(s * float64(time.Second))) }

func (s *scene) at(sec float64, ev ari.Event) {
	ev.At, ev.Node = seconds(sec), "pbx"
	s.Step(ev, &s.out)
}

// answer connects caller and operator.
func (s *scene) answer(sec float64) {
	s.at(sec, ari.Event{Kind: ari.ChannelCreated, Channel: s.operator})
	s.caller.State, s.operator.State = "Up", "Up"
	b := ari.Bridge{ID: "b", Type: "mixing", Channels: []ari.ChannelID{"o"}}
	s.at(sec, ari.Event{Kind: ari.ChannelEnteredBridge, Channel: s.operator, Bridge: b})
	b.Channels = []ari.ChannelID{"o", "c"}
	s.at(sec, ari.Event{Kind: ari.ChannelStateChange, Channel: s.caller})
	s.at(sec, ari.Event{Kind: ari.ChannelEnteredBridge, Channel: s.caller, Bridge: b})
}

func (s *scene) frames() (frames [][]byte) {
	for _, e := range s.out.Evidence {
		frames = append(frames, e.Frame)
	}
	return frames
}

// An operator is added to the configuration while a call is open. The call goes on under the
// configuration that it arrived under, and its record replays to the same bytes.
func TestOperatorsAreThoseOfTheArrival(t *testing.T) {
	first := newScene(t, "PJSIP/agent1")
	first.at(0, ari.Event{Kind: ari.ChannelCreated, Channel: first.caller})
	rebuilt, _, err := mediation.Replay(first.frames())
	if err != nil {
		t.Fatal(err)
	}
	second := newScene(t, "PJSIP/agent1", "PJSIP/agent2")
	second.Adopt(rebuilt, "c")
	second.at(1, ari.Event{Kind: ari.Gap, Reason: ari.GapRestart})
	second.at(2, ari.Event{Kind: ari.SnapshotTaken, Snapshot: &ari.Snapshot{
		At: seconds(2), Node: "pbx", Legs: []ari.Leg{{Channel: second.caller, Hold: ari.HoldOff}},
	}})
	second.answer(4)
	second.at(64, ari.Event{Kind: ari.ChannelHangupRequest, Channel: second.caller})
	if len(second.out.Records) != 1 {
		t.Fatalf("%d records, want one", len(second.out.Records))
	}
	want := second.out.Records[0]
	if want.TalkMs != 0 {
		t.Errorf("%d ms of talk with an endpoint that was no operator's when the call arrived", want.TalkMs)
	}
	_, again, err := mediation.Replay(append(first.frames(), second.frames()...))
	if err != nil {
		t.Fatal(err)
	}
	if got := again.Records[0].JSON(); !bytes.Equal(got, want.JSON()) {
		t.Errorf("the evidence gives\n%s, want\n%s", got, want.JSON())
	}
}

// Calls are taken into a graph that is in a gap already: from their last event on they are unseen.
func TestCallsAdoptedInAGapAreUnseen(t *testing.T) {
	first := newScene(t, "PJSIP/agent*")
	first.at(0, ari.Event{Kind: ari.ChannelCreated, Channel: first.caller})
	first.answer(2)
	rebuilt, _, err := mediation.Replay(first.frames())
	if err != nil {
		t.Fatal(err)
	}
	for name, gapAgain := range map[string]bool{"a second gap is reported": true, "no gap is reported": false} {
		t.Run(name, func(t *testing.T) {
			if rebuilt, _, err = mediation.Replay(first.frames()); err != nil {
				t.Fatal(err)
			}
			s := newScene(t, "PJSIP/agent*")
			s.at(10, ari.Event{Kind: ari.Gap, Reason: ari.GapRestart})
			s.Adopt(rebuilt, "c")
			if gapAgain {
				s.at(10, ari.Event{Kind: ari.Gap, Reason: ari.GapRestart})
			}
			s.at(70, ari.Event{Kind: ari.SnapshotTaken, Snapshot: &ari.Snapshot{At: seconds(70), Node: "pbx"}})
			if len(s.out.Records) != 1 {
				t.Fatalf("%d records, want one", len(s.out.Records))
			}
			if r := s.out.Records[0]; r.TalkMs > 8000 {
				t.Errorf("%d ms of talk, at most 8000 were seen", r.TalkMs)
			}
		})
	}
}

// A trunk fails: hundreds of channels go within some milliseconds, and Asterisk sends one more event
// about one of them. It opens no second call.
func TestALateEventAfterManyHangupsOpensNoCall(t *testing.T) {
	s := newScene(t, "PJSIP/agent*")
	s.at(0, ari.Event{Kind: ari.ChannelCreated, Channel: s.caller})
	other := func(i int) ari.Channel {
		return ari.Channel{ID: ari.ChannelID(fmt.Sprint("x", i)), Name: fmt.Sprintf("PJSIP/x-%08x", i), State: "Down"}
	}
	const channels = 3000
	for i := range channels {
		s.at(1, ari.Event{Kind: ari.ChannelCreated, Channel: other(i)})
	}
	s.at(60, ari.Event{Kind: ari.ChannelHangupRequest, Channel: s.caller})
	s.at(60, ari.Event{Kind: ari.ChannelDestroyed, Channel: s.caller})
	for i := range channels {
		s.at(60, ari.Event{Kind: ari.ChannelDestroyed, Channel: other(i)})
	}
	s.caller.App = "Hangup"
	s.at(60, ari.Event{Kind: ari.ChannelDialplan, Channel: s.caller})
	if len(s.out.Opened) != 1 || len(s.out.Records) != 1 || s.OpenCalls() != 0 || s.Size() != 0 {
		t.Errorf("%d calls were opened, %d records, %d open calls, size %d; want one call, closed",
			len(s.out.Opened), len(s.out.Records), s.OpenCalls(), s.Size())
	}
}
