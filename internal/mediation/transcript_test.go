package mediation_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/evidence"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/numbering"
	"github.com/risposta/gateway/metering/policy"
	"github.com/risposta/gateway/metering/recordtest"
	"github.com/risposta/gateway/metering/tariff"
)

// Each file of testdata/calls is one story: what the PBX said, a line of dashes, and what must come of it. testdata/calls/README.md
// explains the words. The expectations are written by hand.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/calls/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			told, want, ok := strings.Cut(string(text), "\n----\n")
			if !ok {
				t.Fatalf("%s has no line of dashes", path)
			}
			s := newStory(t)
			for line := range strings.Lines(told) {
				s.tell(strings.TrimSpace(line))
			}
			if got := s.outcome(); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			for _, rec := range s.out.Records {
				recordtest.Validate(t, rec.JSON())
			}
			s.replayed()
			if n := s.mediator.Size(); n != s.left {
				t.Errorf("%d things are left in memory, want %d", n, s.left)
			}
		})
	}
}

// setting plays one of the lines that say where and when a story happens.
func (s *story) setting(words []string) bool {
	s.t.Helper()
	var err error
	switch words[0] {
	case "left": // number
		s.left, err = strconv.Atoi(words[1])
	case "dawn": // instant
		s.dawn, err = time.Parse(time.RFC3339, words[1])
	case "policy": // name
		s.law, err = policy.For(words[1], policy.SectorOther, nil)
	case "zone": // name
		s.zone, err = time.LoadLocation(words[1])
	case "tariff": // per-minute from until
		d := tariff.Dated{Tariff: tariff.Tariff{Name: "standard", PerMinute: words[1], Increment: time.Second, Currency: "EUR"}}
		for i, at := range []*time.Time{&d.From, &d.Until} {
			if text := words[i+2]; text != "-" && err == nil {
				*at, err = time.Parse(time.RFC3339, text)
			}
		}
		s.prices = append(s.prices, d)
	default:
		return false
	}
	if err != nil {
		s.t.Fatalf("%v: %v", words, err)
	}
	return true
}

// terms are those of the price in force when a call arrives.
func (s *story) terms(_ string, arrived time.Time) metering.Terms {
	if s.prices == nil {
		return metering.Terms{Policy: s.law, Tariff: &tariff.Tariff{Name: "standard", PerMinute: "0.96", Increment: time.Second, Currency: "EUR"}}
	}
	b, err := tariff.NewBook(s.prices)
	if err != nil {
		s.t.Fatal(err)
	}
	return metering.Terms{Policy: s.law, Tariff: b.At(arrived)}
}

// dawn is the instant that the transcripts' seconds count from.
var dawn = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

type story struct {
	t        *testing.T
	mediator *mediation.Mediator
	out      mediation.Output
	channels map[string]*ari.Channel
	bridges  map[string]*ari.Bridge
	at       time.Time
	left     int
	dawn     time.Time
	zone     *time.Location
	prices   []tariff.Dated
	law      policy.Policy
}

var italy = numbering.NewPlan("39", []string{"10??"}, nil)

func newStory(t *testing.T) *story {
	t.Helper()
	operators, err := mediation.NewGlobs("PJSIP/agent*")
	if err != nil {
		t.Fatal(err)
	}
	s := &story{t: t, dawn: dawn, zone: time.UTC, channels: map[string]*ari.Channel{}, bridges: map[string]*ari.Bridge{}}
	s.mediator = mediation.New(mediation.Rules{
		Service:      func(c ari.Channel) (string, bool) { return "help", c.Context == "from-trunk" && c.Exten == "1001" },
		Operators:    operators,
		Terms:        s.terms,
		Pseudonym:    func(metering.Number) string { return "c-somebody" },
		AskExemption: true,
		NumberKind:   func(dialled string) string { return string(italy.Kind(dialled)) },
	})
	return s
}

// tell plays one line: seconds, verb, arguments.
func (s *story) tell(line string) {
	s.t.Helper()
	if line == "" || line[0] == '#' {
		return
	}
	words := strings.Fields(line)
	if s.setting(words) {
		return
	}
	offset, err := time.ParseDuration(words[0] + "s")
	if err != nil {
		s.t.Fatalf("%q: %v", line, err)
	}
	s.at = s.dawn.Add(offset).In(s.zone)
	s.play(words[1], words[2:], line)
	// Nobody is exempt unless the story says so.
	for _, ask := range s.out.Asks {
		s.mediator.Answer(ask.Call, metering.Exemption{Verdict: metering.ExemptNo}, &s.out)
	}
	s.out.Asks = nil
}

func (s *story) play(verb string, args []string, line string) {
	s.t.Helper()
	ev := ari.Event{At: s.at, Node: "pbx"}
	switch verb {
	case "created": // alias name state [exten@context]
		c := &ari.Channel{ID: ari.ChannelID(args[0]), Name: args[1], State: args[2], Context: "agents", Exten: "s"}
		if len(args) > 3 {
			c.Exten, c.Context, _ = strings.Cut(args[3], "@")
		}
		s.channels[args[0]] = c
		ev.Kind, ev.Channel = ari.ChannelCreated, *c
	case "state": // alias state
		s.channel(args[0]).State = args[1]
		ev.Kind, ev.Channel = ari.ChannelStateChange, *s.channel(args[0])
	case "runs": // alias App(args) [exten@context]
		c := s.channel(args[0])
		c.App, c.AppData, _ = strings.Cut(strings.TrimSuffix(args[1], ")"), "(")
		if len(args) > 2 {
			c.Exten, c.Context, _ = strings.Cut(args[2], "@")
		}
		ev.Kind, ev.Channel = ari.ChannelDialplan, *c
	case "told", "asks", "presses", "resolved":
		s.afterwards(verb, args)
		return
	case "transfers": // alias number
		ev.Kind, ev.Channel, ev.Dialled = ari.BridgeBlindTransfer, *s.channel(args[0]), args[1]
	case "dials": // alias alias [status] [#dialled]
		ev.Kind, ev.Caller, ev.Channel = ari.Dial, *s.channel(args[0]), *s.channel(args[1])
		if last, dialled := strings.CutPrefix(args[len(args)-1], "#"); dialled {
			ev.Dialled, args = last, args[:len(args)-1]
		}
		if len(args) > 2 {
			ev.DialStatus = args[2]
		}
	case "enters", "leaves": // alias bridge
		s.move(&ev, verb, args)
	case "holds": // alias [feature]
		ev.Kind, ev.Channel, ev.Feature = ari.ChannelHold, *s.channel(args[0]), len(args) > 1
	case "unholds":
		ev.Kind, ev.Channel = ari.ChannelUnhold, *s.channel(args[0])
	case "hangup": // alias [soft]
		ev.Kind, ev.Channel, ev.Soft = ari.ChannelHangupRequest, *s.channel(args[0]), len(args) > 1
	case "destroyed":
		ev.Kind, ev.Channel = ari.ChannelDestroyed, *s.channel(args[0])
	case "gone": // bridge
		ev.Kind, ev.Bridge = ari.BridgeDestroyed, *s.bridge(args[0])
	case "lost":
		ev.Kind, ev.Reason = ari.Gap, args[0]
		s.feed(ari.Frame{Event: &ev})
		return
	case "regained": // alias:state:hold[@bridge]...
		ev.Kind, ev.Snapshot = ari.SnapshotTaken, s.snapshot(args)
		s.feed(ari.Frame{Event: &ev})
		return
	case "exempt": // alias verdict [ref]
		e := metering.Exemption{Verdict: metering.ParseVerdict(args[1])}
		if len(args) > 2 {
			e.Ref = args[2]
		}
		s.mediator.Answer(metering.CallID(args[0]), e, &s.out)
		return
	case "says": // a frame as it comes over the socket
		_, raw, _ := strings.Cut(line, "says ")
		s.feed(ari.Frame{Raw: []byte(raw)})
		return
	default:
		s.t.Fatalf("%q: no such verb", verb)
	}
	s.feed(ari.Frame{Raw: frame(ev)})
}

// afterwards plays what is no word of the PBX about who talks with whom: the front desk's, the survey's, and what is learned after the call.
func (s *story) afterwards(verb string, args []string) {
	s.t.Helper()
	call := metering.CallID(args[0])
	switch verb {
	case "told": // alias free|CONSENT|- : the price was told to the end just now
		a := metering.Announcement{Free: args[1] == "free"}
		if !a.Free {
			a.AnnouncedAt, a.Tariff = metering.Time{Time: s.at.UTC()}, s.terms("", s.at).Tariff.Ref()
			a.Consent = strings.TrimPrefix(args[1], "-")
		}
		s.mediator.Announced(call, a, &s.out)
	case "asks": // alias announce|survey: the caller comes to the front desk
		s.feed(ari.Frame{Raw: frame(ari.Event{Kind: ari.StasisStart, At: s.at, Node: "pbx", Channel: *s.channel(args[0]), Args: args[1:]})})
	case "presses": // alias keys
		for _, k := range args[1] {
			s.feed(ari.Frame{Raw: frame(ari.Event{Kind: ari.ChannelDtmfReceived, At: s.at, Node: "pbx", Channel: *s.channel(args[0]), Digit: string(k)})})
		}
	case "resolved": // alias verdict why: after the end, a word more in the evidence and a version more of the record
		word := evidence.NewResolved(call, s.at, metering.Exemption{Verdict: metering.ParseVerdict(args[1])}, metering.Reason(args[2]))
		var frames [][]byte
		for _, e := range s.out.Evidence {
			if e.Call == call {
				frames = append(frames, e.Frame)
			}
		}
		_, again, err := mediation.Replay(append(frames, word))
		if err != nil {
			s.t.Fatal(err)
		}
		s.out.Evidence = append(s.out.Evidence, ledger.Evidence{Call: call, Frame: word})
		s.out.Records = append(s.out.Records, again.Records[len(again.Records)-1])
	}
}

func (s *story) feed(f ari.Frame) { s.mediator.Feed(f, &s.out) }

func (s *story) channel(alias string) *ari.Channel {
	s.t.Helper()
	c := s.channels[alias]
	if c == nil {
		s.t.Fatalf("nobody is called %s", alias)
	}
	return c
}

func (s *story) bridge(alias string) *ari.Bridge {
	b := s.bridges[alias]
	if b == nil {
		b = &ari.Bridge{ID: ari.BridgeID(alias), Type: "mixing"}
		if strings.HasPrefix(alias, "holding") {
			b.Type = "holding"
		}
		s.bridges[alias] = b
	}
	return b
}

func (s *story) move(ev *ari.Event, verb string, args []string) {
	b, id := s.bridge(args[1]), s.channel(args[0]).ID
	ev.Kind = ari.ChannelEnteredBridge
	if verb == "enters" {
		b.Channels = append(b.Channels, id)
	} else {
		ev.Kind = ari.ChannelLeftBridge
		for i, have := range b.Channels {
			if have == id {
				b.Channels = append(b.Channels[:i:i], b.Channels[i+1:]...)
				break
			}
		}
	}
	ev.Channel, ev.Bridge = *s.channel(args[0]), *b
}

func (s *story) snapshot(args []string) *ari.Snapshot {
	snap := &ari.Snapshot{At: s.at, Node: "pbx"}
	for _, arg := range args {
		leg, in, bridged := strings.Cut(arg, "@")
		f := strings.Split(leg, ":")
		c := s.channel(f[0])
		c.State = f[1]
		hold := map[string]ari.Hold{"on": ari.HoldOn, "off": ari.HoldOff, "unknown": ari.HoldUnknown}[f[2]]
		snap.Legs = append(snap.Legs, ari.Leg{Channel: *c, Hold: hold})
		if !bridged {
			continue
		}
		b := s.bridge(in)
		found := false
		for i := range snap.Bridges {
			if snap.Bridges[i].ID == b.ID {
				snap.Bridges[i].Channels = append(snap.Bridges[i].Channels, c.ID)
				found = true
			}
		}
		if !found {
			snap.Bridges = append(snap.Bridges, ari.Bridge{ID: b.ID, Type: b.Type, Channels: []ari.ChannelID{c.ID}})
		}
	}
	return snap
}
