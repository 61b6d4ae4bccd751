package mediation

import (
	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/evidence"
	"github.com/risposta/gateway/metering/policy"
)

// stepDesk takes in the events of the front desk, and reports whether ev is one: a caller enters,
// starts a survey, presses a key, leaves. They change nothing else of the call.
func (m *Mediator) stepDesk(ev ari.Event, out *Output) bool {
	call := metering.CallID(ev.Channel.ID)
	switch ev.Kind {
	case ari.StasisStart:
		if len(ev.Args) > 0 && m.meter.Call(call) != nil {
			m.enterDesk(call, ev, out)
		}
	case ari.ChannelDtmfReceived:
		m.pressKey(call, ev, out)
	case ari.StasisEnd:
		delete(m.surveys, call)
	case ari.PlaybackFinished:
	default:
		return false
	}
	return true
}

func (m *Mediator) enterDesk(call metering.CallID, ev ari.Event, out *Output) {
	switch ev.Args[0] {
	case ari.AskSurvey:
		m.surveys[call] = &metering.Survey{}
		m.appendEvidence(call, ari.EncodeEvidence(ev), out)
	case ari.AskAnnouncement:
		m.appendEvidence(call, ari.EncodeEvidence(ev), out)
		m.apply(metering.Fact{Kind: metering.CallerAtDesk, Call: call, At: ev.At}, out)
	}
}

func (m *Mediator) pressKey(call metering.CallID, ev ari.Event, out *Output) {
	survey, c := m.surveys[call], m.meter.Call(call)
	if survey == nil || c == nil {
		return
	}
	answered := *survey
	if !answered.Answer(ev.Digit, c.Terms.Policy.Has(policy.SolvedFirst)) {
		return
	}
	m.surveys[call] = &answered
	m.appendEvidence(call, ari.EncodeEvidence(ev), out)
	m.apply(metering.Fact{
		Kind: metering.SurveyAnswered, Call: call, At: ev.At, Survey: &answered,
	}, out)
}

// Announced takes in what the front desk announced to a caller, and what the caller answered. It
// counts from the latest instant of the call. For a call that has ended it changes nothing.
func (m *Mediator) Announced(call metering.CallID, a metering.Announcement, out *Output) {
	if m.meter.Call(call) == nil {
		return
	}
	at := m.latest[call]
	m.appendEvidence(call, evidence.NewAnnouncement(call, at, a), out)
	m.apply(metering.Fact{
		Kind: metering.AnnouncementMade, Call: call, At: at, Announcement: &a,
	}, out)
}
