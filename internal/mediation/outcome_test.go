package mediation_test

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/aritest"
	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering"
)

// frame writes the event as Asterisk sends it. A channel in the dialplan has the number of the caller.
func frame(ev ari.Event) []byte {
	if ev.Channel.Context != "" {
		ev.Channel.Caller = metering.NewNumber("+390612345678", "")
	}
	return aritest.Frame(ev)
}

// outcome is what came of the story: facts with their seconds, then the records.
func (s *story) outcome() string {
	var b strings.Builder
	for _, f := range s.out.Facts {
		if f.Kind == metering.ExemptionAnswered && f.Exemption.Verdict == metering.ExemptNo {
			continue // the stories' normal case
		}
		fmt.Fprintf(&b, "%.3f %s %s", f.At.Sub(s.dawn).Seconds(), f.Call, f.Kind)
		for _, word := range []string{f.Operator, f.Queue, f.Why} {
			if word != "" {
				b.WriteString(" " + word)
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
	for _, r := range s.out.Records {
		if r.Survey != nil {
			fmt.Fprintf(&b, "survey %d %s; ", r.Survey.Satisfaction, r.Survey.Solved)
		}
		if r.State != "" {
			b.WriteString(r.State + " ")
		}
		fmt.Fprintf(&b, "record %s %s: talk %d waited %d held %d unseen %d; %s %s %v\n",
			r.Call, r.Outcome, r.TalkMs, r.WaitedMs, r.HeldMs, r.UnseenMs, r.Charge, r.Charge.Currency, r.Reasons)
		if sum := r.TalkMs + r.WaitedMs + r.HeldMs + r.UnseenMs; sum != r.EndedAt.Sub(r.ArrivedAt.Time).Milliseconds() {
			s.t.Errorf("the parts of %s add up to %d ms of %s", r.Call, sum, r.EndedAt.Sub(r.ArrivedAt.Time))
		}
	}
	return b.String()
}

// replayed checks that each record's evidence, alone, gives the same record.
func (s *story) replayed() {
	s.t.Helper()
	for _, r := range s.out.Records {
		var frames [][]byte
		for _, e := range s.out.Evidence {
			if e.Call == r.Call {
				frames = append(frames, e.Frame)
			}
		}
		_, again, err := mediation.Replay(frames)
		if err != nil {
			s.t.Errorf("replaying the evidence of %s: %v", r.Call, err)
			continue
		}
		if strings.Contains(string(bytes.Join(frames, nil)), "1234567") {
			s.t.Errorf("a number stands in the evidence of %s", r.Call)
		}
		if len(again.Records) < r.Version || string(again.Records[r.Version-1].JSON()) != string(r.JSON()) {
			s.t.Errorf("the evidence of %s gives\n%+v\nwant\n%s", r.Call, again.Records, r.JSON())
		}
	}
}
