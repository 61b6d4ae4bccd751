package mediation_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/aritest"
	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/numbering"
	"github.com/risposta/gateway/metering/policy"
	"github.com/risposta/gateway/metering/tariff"
)

// dawn is the instant from which the seconds of the transcripts count.
var dawn = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

// italy knows the extensions 1000 to 1099 and the Italian numbers.
var italy = numbering.NewPlan("39", []string{"10??"}, nil)

func numberKind(endpoint, dialled string) string { return string(italy.Kind(endpoint, dialled)) }

// story plays the commands of one transcript. The metered service is 1001@from-trunk, and
// PJSIP/agent* are operators.
type story struct {
	t        *testing.T
	rules    mediation.Rules
	mediator *mediation.Mediator
	out      mediation.Output
	channels map[string]*ari.Channel // by alias, which is also the unique id
	made     map[string]string       // the state in which each was made
	bridges  map[string]*ari.Bridge
	at       time.Time
	dawn     time.Time
	zone     *time.Location
	prices   []tariff.Dated
	law      policy.Policy
	measured metering.Terms // how the quality of the service is measured, and the kind of its number
	creation bool           // the PBX's lists say when each channel was made
	left     int
	serial   uint64 // of the latest question to the PBX
	// How much of out has been reported.
	facts, records, unmatched int
}

func newStory(t *testing.T) *story {
	t.Helper()
	operators, err := mediation.NewGlobs("PJSIP/agent*")
	if err != nil {
		t.Fatal(err)
	}
	s := &story{
		t: t, dawn: dawn, zone: time.UTC,
		channels: map[string]*ari.Channel{}, bridges: map[string]*ari.Bridge{},
		made: map[string]string{},
	}
	s.rules = mediation.Rules{
		Service: func(c ari.Channel) (string, bool) {
			return "help", c.Context == "from-trunk" && c.Exten == "1001"
		},
		ServiceContext: func(context string) bool { return context == "from-trunk" },
		Operators:      operators,
		Terms:          s.terms,
		Pseudonym: func(n metering.Number) string {
			if n.Withheld() {
				return ""
			}
			return "c-somebody"
		},
		AskExemption: true,
		NumberKind:   numberKind,
	}
	s.mediator = mediation.New(s.rules)
	return s
}

// terms are those of the price in force when a call arrives.
func (s *story) terms(_ string, arrived time.Time) metering.Terms {
	terms := s.measured
	terms.Policy, terms.Tariff = s.law, price("0.96")
	if s.prices == nil {
		return terms
	}
	b, err := tariff.NewBook(s.prices)
	if err != nil {
		s.t.Fatal(err)
	}
	terms.Tariff = b.At(arrived)
	return terms
}

func price(perMinute string) *tariff.Tariff {
	return &tariff.Tariff{
		Name: "standard", PerMinute: perMinute, Increment: time.Second, Currency: "EUR",
	}
}

// run plays one command and returns what it came to: facts, then records.
func (s *story) run(command string) string {
	s.t.Helper()
	args := strings.Fields(command)
	if s.set(args) {
		return ""
	}
	offset, err := time.ParseDuration(args[0] + "s")
	if err != nil || len(args) < 2 {
		s.t.Fatalf("%q: want SECONDS VERB ARGUMENTS", command)
	}
	s.at = s.dawn.Add(offset).In(s.zone)
	if verb, args := args[1], args[2:]; !s.gateway(verb, args, command) && !s.probe(verb, args) {
		s.feed(ari.Frame{Raw: aritest.Frame(s.event(verb, args, command))})
	}
	s.answerAsks()
	return s.report() + s.asked()
}

// answerAsks answers as a lookup would: no caller is exempt unless the story says so, and of a
// withheld number nothing is known.
func (s *story) answerAsks() {
	for _, ask := range s.out.Asks {
		e := metering.Exemption{Verdict: metering.ExemptNo}
		if ask.Number.Withheld() {
			e.Verdict = metering.ExemptUnknown
		}
		s.mediator.Answer(ask.Call, e, &s.out)
	}
	s.out.Asks = nil
}

func (s *story) feed(f ari.Frame) { s.mediator.Feed(f, &s.out) }

// set plays a command without a time: it sets something for the whole story, and has no output.
func (s *story) set(args []string) bool {
	s.t.Helper()
	var err error
	switch args[0] {
	case "creation": // known: the PBX's lists say when each channel was made; they do not if not set
		s.creation = args[1] == "known"
	case "left": // N: so many things stay in memory at the end; 0 if not set
		s.left, err = strconv.Atoi(args[1])
	case "probe": // INTERVAL: the PBX is asked about legs; it is not if not set
		s.rules.ProbeEvery, err = time.ParseDuration(args[1])
		s.mediator = mediation.New(s.rules)
	case "dawn": // INSTANT: the seconds count from here; a day in November, 10:00 UTC, if not set
		s.dawn, err = time.Parse(time.RFC3339, args[1])
	case "zone": // NAME: of the PBX's timestamps; UTC if not set
		s.zone, err = time.LoadLocation(args[1])
	case "policy": // NAME: the law; none if not set
		s.law, err = policy.For(args[1], policy.SectorOther, nil)
	case "choice": // mark: the dialplan marks when callers choose an operator; the queue does if not set
		s.measured.ChoiceMarked = args[1] == "mark"
	case "hours": // outside: the service is closed; it is open if not set
		s.measured.OutsideHours = args[1] == "outside"
	case "number": // KIND: of the number that callers dial; not known if not set
		s.measured.NumberKind = args[1]
	case "tariff": // PER_MINUTE FROM UNTIL: a price, from and until an instant or -; 0.96 if not set
		d := tariff.Dated{Tariff: *price(args[1])}
		for i, at := range []*time.Time{&d.From, &d.Until} {
			if text := args[i+2]; text != "-" && err == nil {
				*at, err = time.Parse(time.RFC3339, text)
			}
		}
		s.prices = append(s.prices, d)
	default:
		return false
	}
	if err != nil {
		s.t.Fatalf("%v: %v", args, err)
	}
	return true
}

// event makes the event that a verb stands for.
func (s *story) event(verb string, args []string, command string) ari.Event {
	s.t.Helper()
	ev := ari.Event{At: s.at, Node: "pbx"}
	if verb == "created" { // ALIAS NAME STATE [EXTEN@CONTEXT [withheld]]
		s.create(args)
	}
	if verb == "bridge-destroyed" { // BRIDGE
		ev.Kind, ev.Bridge = ari.BridgeDestroyed, *s.bridge(args[0])
		return ev
	}
	c := s.channel(args[0])
	switch verb {
	case "created":
		ev.Kind = ari.ChannelCreated
	case "number": // ALIAS NUMBER: the number of its far end comes
		ev.Kind, c.Caller = ari.ChannelCallerID, metering.NewNumber(args[1])
	case "state": // ALIAS STATE
		ev.Kind, c.State = ari.ChannelStateChange, args[1]
	case "runs": // ALIAS App(args) [EXTEN@CONTEXT]: the channel runs an application of the dialplan
		ev.Kind = ari.ChannelDialplan
		c.App, c.AppData, _ = strings.Cut(strings.TrimSuffix(args[1], ")"), "(")
		if len(args) > 2 {
			c.Exten, c.Context, _ = strings.Cut(args[2], "@")
		}
	case "dials": // ALIAS ALIAS [STATUS] [#DIALLED]: the first dials the second
		ev.Kind, ev.Caller, c = ari.Dial, *c, s.channel(args[1])
		if last, dialled := strings.CutPrefix(args[len(args)-1], "#"); dialled {
			ev.Dialled, args = last, args[:len(args)-1]
		}
		if len(args) > 2 {
			ev.DialStatus = args[2]
		}
	case "transfers": // ALIAS NUMBER: a blind transfer to a number
		ev.Kind, ev.Dialled = ari.BridgeBlindTransfer, args[1]
	case "enters": // ALIAS BRIDGE
		b := s.bridge(args[1])
		b.Channels = append(b.Channels, c.ID)
		ev.Kind, ev.Bridge = ari.ChannelEnteredBridge, *b
	case "leaves": // ALIAS BRIDGE
		b := s.bridge(args[1])
		b.Channels = slices.DeleteFunc(slices.Clone(b.Channels), func(id ari.ChannelID) bool {
			return id == c.ID
		})
		ev.Kind, ev.Bridge = ari.ChannelLeftBridge, *b
	case "holds": // ALIAS [feature]: holds the others, by its phone or by a feature of the bridge
		ev.Kind, ev.Feature = ari.ChannelHold, len(args) > 1
	case "unholds": // ALIAS
		ev.Kind = ari.ChannelUnhold
	case "hangup": // ALIAS [soft|rtp|sip]: hangs up; soft: Asterisk ends the channel, rtp: because no
		// packet came, sip: because no response came
		ev.Kind, ev.Soft = ari.ChannelHangupRequest, len(args) > 1 && args[1] != "sip"
		ev.Unresponsive = map[string]ari.Unresponsive{
			"rtp": ari.UnresponsiveRTP, "sip": ari.UnresponsiveSIP,
		}[args[len(args)-1]]
	case "varset": // ALIAS feature|gosub-ends|peer|music|choice: a feature key runs an application; a Gosub
		// ends; the bridge is set up anew; an application plays music to it; the mark of a choice
		ev.Kind = ari.ChannelVarset
		ev.Variable = map[string]string{
			"feature": ari.VarFeature, "gosub-ends": ari.VarGosubEnds,
			"peer": ari.VarBridgePeer, "music": ari.VarBridgePeer, "choice": ari.VarChoice,
		}[args[1]]
		ev.Music = args[1] == "music"
	case "destroyed": // ALIAS: the channel is gone
		ev.Kind = ari.ChannelDestroyed
	case "stasis": // ALIAS announce|survey: the caller comes to the front desk
		ev.Kind, ev.Args = ari.StasisStart, args[1:]
	case "presses": // ALIAS KEY: during a survey
		ev.Kind, ev.Digit = ari.ChannelDtmfReceived, args[1]
	default:
		s.t.Fatalf("%q: no such verb", command)
	}
	ev.Channel = *c
	return ev
}

func (s *story) create(args []string) {
	c := &ari.Channel{
		ID: ari.ChannelID(args[0]), Name: args[1], State: args[2], Context: "agents", Exten: "s",
	}
	if len(args) > 3 {
		c.Exten, c.Context, _ = strings.Cut(args[3], "@")
	}
	if len(args) < 5 {
		c.Caller = metering.NewNumber("+390612345678")
	}
	if s.creation {
		c.Created = s.at
	}
	s.channels[args[0]], s.made[args[0]] = c, c.State
}

func (s *story) channel(alias string) *ari.Channel {
	s.t.Helper()
	c := s.channels[alias]
	if c == nil {
		s.t.Fatalf("no channel was created as %s", alias)
	}
	return c
}

// bridge returns the bridge of that name: a holding bridge or a conference (room) if the name says
// so, else mixing.
func (s *story) bridge(alias string) *ari.Bridge {
	b := s.bridges[alias]
	if b == nil {
		b = &ari.Bridge{ID: ari.BridgeID(alias), Type: "mixing"}
		if strings.HasPrefix(alias, "holding") {
			b.Type = "holding"
		}
		if strings.HasPrefix(alias, "room") {
			b.Conference, b.Room = true, alias
		}
		s.bridges[alias] = b
	}
	return b
}
