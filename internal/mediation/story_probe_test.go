package mediation_test

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/risposta/gateway/ari"
)

// probe plays a verb about what the gateway asks of the PBX; it returns false for another.
func (s *story) probe(verb string, args []string) bool {
	s.t.Helper()
	switch verb {
	case "heartbeat": // the gateway's own event comes back
		s.feed(ari.Frame{Raw: frame(ari.Event{Kind: ari.Heartbeat, At: s.at, Node: "pbx", Heartbeat: 1})})
	case "answers": // ALIAS [hold=on|off|unknown] [media=N] [app=NAME] [timeout=SECONDS] [hides], or
		// BRIDGE [active=ALIAS,...]: the PBX answers the latest question
		s.feed(ari.Frame{Event: &ari.Event{
			Kind: ari.Probed, At: s.at, Node: "pbx", Answers: []ari.ProbeAnswer{s.answer(args)},
		}})
	case "lists": // ALIAS[@BRIDGE]...: the PBX lists these channels; it was asked 3 s ago
		for i, arg := range args {
			name, bridge, in := strings.Cut(arg, "@")
			if args[i] = name + ":Up:off"; in {
				args[i] += "@" + bridge
			}
		}
		s.feed(ari.Frame{Event: &ari.Event{
			Kind: ari.ListsTaken, At: s.at, Node: "pbx", Asked: s.at.Add(-3 * time.Second),
			Snapshot: s.snapshot(args),
		}})
	default:
		return false
	}
	return true
}

func (s *story) answer(args []string) ari.ProbeAnswer {
	s.t.Helper()
	a := ari.ProbeAnswer{Serial: s.serial, Packets: ari.NoPackets}
	if s.bridges[args[0]] != nil {
		a.Conference = ari.BridgeID(args[0])
	} else {
		a.Channel = s.channel(args[0]).ID
	}
	for _, arg := range args[1:] {
		key, value, _ := strings.Cut(arg, "=")
		n, _ := strconv.Atoi(value)
		switch key {
		case "hold":
			holds := map[string]ari.Hold{"on": ari.HoldOn, "off": ari.HoldOff}
			a.Asked, a.Hold = true, holds[value]
		case "media":
			a.Packets = int64(n)
		case "app":
			a.App = value
		case "timeout":
			a.Options = &ari.EndpointOptions{RTPTimeout: time.Duration(n) * time.Second}
		case "hides":
			a.Options = &ari.EndpointOptions{HidesHolds: true}
		case "active":
			a.Active = []ari.ChannelID{}
			for name := range strings.SplitSeq(value, ",") {
				if name != "" {
					a.Active = append(a.Active, s.channel(name).ID)
				}
			}
		default:
			s.t.Fatalf("%q is no answer", arg)
		}
	}
	return a
}

// asked is what the gateway has asked since the last report.
func (s *story) asked() string {
	var b strings.Builder
	for _, r := range s.out.Requests {
		s.serial = r.Serial
		if r.Conference != nil {
			fmt.Fprintf(&b, "asks who hears in %s\n", r.Conference.Bridge)
			continue
		}
		fmt.Fprintf(&b, "asks of %s:", r.Channel)
		for what, asked := range []bool{r.Hold, r.Media, r.App, r.Options} {
			if asked {
				b.WriteString(" " + [...]string{"hold", "media", "app", "options"}[what])
			}
		}
		b.WriteString("\n")
	}
	if s.out.Resync != "" {
		fmt.Fprintf(&b, "resync %s\n", s.out.Resync)
	}
	s.out.Requests, s.out.Resync = nil, ""
	return b.String()
}
