package mediation_test

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/evidence"
	"github.com/risposta/gateway/metering/ledger"
)

// gateway plays a verb that is not an event of the PBX; it returns false for one that is.
func (s *story) gateway(verb string, args []string, command string) bool {
	s.t.Helper()
	switch verb {
	case "frame": // BYTES: a frame as it comes over the socket
		_, raw, _ := strings.Cut(command, " frame ")
		s.feed(ari.Frame{Raw: []byte(raw)})
	case "gap": // REASON: the PBX is not seen any more
		s.feed(ari.Frame{Event: &ari.Event{Kind: ari.Gap, At: s.at, Node: "pbx", Reason: args[0]}})
	case "snapshot": // ALIAS:STATE:HOLD[:unknown][@BRIDGE]...: it is seen again; HOLD is on, off or
		// unknown. The PBX says who called on each channel that is no operator's, unless it is unknown
		ev := &ari.Event{Kind: ari.SnapshotTaken, At: s.at, Node: "pbx", Snapshot: s.snapshot(args)}
		s.feed(ari.Frame{Event: ev})
	case "exempt": // ALIAS yes|no|unknown [REF]: the answer of the lookup
		e := metering.Exemption{Verdict: metering.ParseVerdict(args[1])}
		if len(args) > 2 {
			e.Ref = args[2]
		}
		s.mediator.Answer(metering.CallID(args[0]), e, &s.out)
	case "announced": // ALIAS free|price|given|refused [SECONDS]: what the front desk announced; the
		// consent; the expected wait, 0 for one that is not known
		s.announced(metering.CallID(args[0]), args[1], args[2:])
	case "resolved": // ALIAS yes|no|unknown WHY: the answer of the lookup after the call's end
		s.resolved(metering.CallID(args[0]), args[1], metering.Reason(args[2]))
	case "reload": // PATTERN PRICE: other operators and another price for the calls that arrive from here on
		s.reload(args[0], args[1])
	case "crash": // the gateway starts anew from the evidence of the open calls; a snapshot follows
		s.crash()
	case "restart": // the gateway starts anew from its checkpoint; the PBX has queued its events
		s.restart()
	default:
		return false
	}
	return true
}

func (s *story) announced(call metering.CallID, what string, wait []string) {
	s.t.Helper()
	a := metering.Announcement{Free: what == "free"}
	if !a.Free {
		a.AnnouncedAt = metering.Time{Time: s.at.UTC()}
		a.Tariff = s.terms("", s.at).Tariff.Ref()
		a.Consent = strings.TrimPrefix(what, "price")
	}
	if len(wait) > 0 {
		var err error
		if a.WaitSeconds, err = strconv.ParseInt(wait[0], 10, 64); err != nil {
			s.t.Fatal(err)
		}
		a.WaitToldAt = metering.Time{Time: s.at.UTC()}
	}
	s.mediator.Announced(call, a, &s.out)
}

func (s *story) resolved(call metering.CallID, verdict string, why metering.Reason) {
	s.t.Helper()
	e := metering.Exemption{Verdict: metering.ParseVerdict(verdict)}
	frame := evidence.NewResolved(call, s.at, e, why)
	s.out.Evidence = append(s.out.Evidence, ledger.Evidence{Call: call, Frame: frame})
	_, again, err := mediation.Replay(evidenceOf(&s.out, call))
	if err != nil {
		s.t.Fatal(err)
	}
	s.out.Records = append(s.out.Records, again.Records[len(again.Records)-1])
}

// replays rebuilds the open calls from their evidence.
func (s *story) replays(each func(call metering.CallID, replayed *mediation.Mediator)) {
	s.t.Helper()
	for _, opened := range s.out.Opened {
		if s.mediator.Call(opened.Call) == nil {
			continue
		}
		replayed, _, err := mediation.Replay(evidenceOf(&s.out, opened.Call))
		if err != nil {
			s.t.Fatal(err)
		}
		each(opened.Call, replayed)
	}
}

func (s *story) reload(operators, perMinute string) {
	s.t.Helper()
	globs, err := mediation.NewGlobs(operators)
	if err != nil {
		s.t.Fatal(err)
	}
	s.rules.Operators = globs
	s.rules.Terms = func(string, time.Time) metering.Terms {
		return metering.Terms{Policy: s.law, Tariff: price(perMinute)}
	}
	s.mediator.SetRules(s.rules, s.at)
}

func (s *story) crash() {
	next := mediation.New(s.rules)
	s.replays(func(call metering.CallID, replayed *mediation.Mediator) { next.Adopt(replayed, call) })
	next.SetWatermark(s.mediator.Watermark())
	s.mediator = next
	s.feed(ari.Frame{Event: &ari.Event{Kind: ari.Gap, Node: "pbx", Reason: ari.GapRestart}})
}

func (s *story) restart() {
	next := mediation.New(s.rules)
	next.Load(s.mediator.Snapshot(), s.mediator.Watermark())
	s.replays(func(call metering.CallID, replayed *mediation.Mediator) {
		if !next.Reattach(replayed, call) {
			s.t.Fatalf("call %s does not fit the checkpoint", call)
		}
	})
	s.mediator = next
}

func (s *story) snapshot(args []string) *ari.Snapshot {
	snap := &ari.Snapshot{At: s.at, Node: "pbx"}
	holds := map[string]ari.Hold{"on": ari.HoldOn, "off": ari.HoldOff, "unknown": ari.HoldUnknown}
	for _, arg := range args {
		leg, in, bridged := strings.Cut(arg, "@")
		f := strings.Split(leg, ":")
		c := s.channel(f[0])
		c.State = f[1]
		shown := ari.Leg{Channel: *c, Hold: holds[f[2]]}
		_, _, local := c.LocalHalf()
		if len(f) < 4 && !local && !s.rules.Operators.Match(c.Endpoint()) {
			shown.Dialled = s.made[f[0]] == "Down" || s.made[f[0]] == "Ringing"
			shown.Incoming = !shown.Dialled
		}
		snap.Legs = append(snap.Legs, shown)
		if !bridged {
			continue
		}
		b := s.bridge(in)
		i := slices.IndexFunc(snap.Bridges, func(have ari.Bridge) bool { return have.ID == b.ID })
		if i < 0 {
			i = len(snap.Bridges)
			snap.Bridges = append(snap.Bridges, ari.Bridge{ID: b.ID, Type: b.Type})
		}
		snap.Bridges[i].Channels = append(snap.Bridges[i].Channels, c.ID)
	}
	return snap
}

// report is what has come since the last report: facts with their seconds, then records.
func (s *story) report() string {
	var b strings.Builder
	for _, f := range s.out.Facts[s.facts:] {
		if f.Kind == metering.ExemptionAnswered && f.Exemption.Verdict == metering.ExemptNo {
			continue // the normal case
		}
		fmt.Fprintf(&b, "%.3f %s %s", f.At.Sub(s.dawn).Seconds(), f.Call, f.Kind)
		for _, field := range []string{f.Operator, f.Queue, f.Why} {
			if field != "" {
				b.WriteString(" " + field)
			}
		}
		switch f.Kind {
		case metering.TalkPaused, metering.GapEnded:
			b.WriteString(" " + f.State.String())
		case metering.ExemptionAnswered:
			b.WriteString(" " + f.Exemption.Verdict.String())
		default:
		}
		b.WriteString("\n")
	}
	for _, r := range s.out.Records[s.records:] {
		if r.Survey != nil {
			fmt.Fprintf(&b, "survey %d %s; ", r.Survey.Satisfaction, r.Survey.Solved)
		}
		if r.OutsideHours {
			b.WriteString("outside hours; ")
		}
		if r.Choice != "" {
			chosen := "never"
			if !r.ChosenAt.IsZero() {
				chosen = fmt.Sprintf("%.3f", r.ChosenAt.Sub(s.dawn).Seconds())
			}
			fmt.Fprintf(&b, "chose by %s: %s; ", r.Choice, chosen)
		}
		if a := r.Announcement; a != nil && !a.WaitToldAt.IsZero() {
			fmt.Fprintf(&b, "told to wait %d s; ", a.WaitSeconds)
		}
		if r.State != "" {
			b.WriteString(r.State + " ")
		}
		fmt.Fprintf(&b, "record %s %s: talk %d waited %d held %d unseen %d; %s %s %v\n",
			r.Call, r.Outcome, r.TalkMs, r.WaitedMs, r.HeldMs, r.UnseenMs,
			r.Charge, r.Charge.Currency, r.Reasons)
		sum := r.TalkMs + r.WaitedMs + r.HeldMs + r.UnseenMs
		if sum != r.EndedAt.Sub(r.ArrivedAt.Time).Milliseconds() {
			s.t.Errorf("the parts of %s add up to %d ms: %s", r.Call, sum, r.JSON())
		}
	}
	for _, u := range s.out.Unmatched[s.unmatched:] {
		fmt.Fprintf(&b, "unmatched %s@%s, talked: %v\n", u.Exten, u.Context, u.Talked)
	}
	s.facts, s.records, s.unmatched = len(s.out.Facts), len(s.out.Records), len(s.out.Unmatched)
	return b.String()
}

// checkReplay checks that the evidence of each record gives the same record, and holds no number.
func (s *story) checkReplay() {
	s.t.Helper()
	for _, r := range s.out.Records {
		frames := evidenceOf(&s.out, r.Call)
		_, again, err := mediation.Replay(frames)
		if err != nil {
			s.t.Errorf("replaying the evidence of %s: %v", r.Call, err)
			continue
		}
		if bytes.Contains(bytes.Join(frames, nil), []byte("1234567")) {
			s.t.Errorf("a number stands in the evidence of %s", r.Call)
		}
		if len(again.Records) < r.Version || !bytes.Equal(again.Records[r.Version-1].JSON(), r.JSON()) {
			s.t.Errorf("the evidence of %s gives\n%+v\nwant\n%s", r.Call, again.Records, r.JSON())
		}
	}
}
