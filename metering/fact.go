package metering

import (
	"time"

	"github.com/risposta/gateway/metering/policy"
	"github.com/risposta/gateway/metering/tariff"
)

// CallID names a call: the unique id of the caller's channel.
type CallID string

// FactKind says what happened to a call.
type FactKind uint8

// The facts, with the fields each one uses besides Call and At.
const (
	CallArrived       FactKind = iota + 1 // Service, Node, Number; Caller and Terms once the shell has filled them in
	CallerAnswered                        // the caller's own channel went Up: the caller's network charges from here
	QueueJoined                           // Queue
	QueueLeft                             // Queue
	TalkStarted                           // Operator, Queue: both sides are connected, up and not on hold
	TalkPaused                            // State: what the caller is left with instead
	GapStarted                            // Why: from At on nothing is known
	GapEnded                              // At At the state was seen again; a TalkStarted may follow
	ExemptionAnswered                     // Exemption
	CallEnded                             // Why, an Ended... word; Unseen: the end itself was not seen
	NumberReached                         // Why: the kind of a number that the call was led to, by a transfer or by dialling
	CallerAtDesk                          // the caller has come to the front desk: what is not told there is not charged
	AnnouncementMade                      // Announcement: what the front desk told the caller, and heard
	SurveyAnswered                        // Survey: so far
	TalkRetracted                         // word came late that talk had ended at At: what was counted after it, in stretches that are over, was none
)

var factNames = [...]string{
	CallArrived: "call.arrived", CallerAnswered: "caller.answered", QueueJoined: "queue.joined", QueueLeft: "queue.left", TalkStarted: "talk.started",
	TalkPaused: "talk.paused", GapStarted: "gap.started", GapEnded: "gap.ended",
	NumberReached: "number.reached", CallerAtDesk: "caller.at_desk", AnnouncementMade: "announcement.made", SurveyAnswered: "survey.answered",
	ExemptionAnswered: "exemption.answered", CallEnded: "call.ended", TalkRetracted: "talk.retracted",
}

// String is the fact's name in logs.
func (k FactKind) String() string { return factNames[k] }

// State is what the caller has at an instant.
type State uint8

// The states. Only Talking is ever charged.
const (
	Waiting State = iota // alone: queue, ringing, announcements, music, IVR, another caller, a machine
	Talking              // connected with an operator, neither of them on hold
	Held                 // connected with an operator, one of them on hold
	Unseen               // not known
)

var stateNames = [...]string{Waiting: "waiting", Talking: "talk", Held: "held", Unseen: "unseen"}

// String is the state's name in logs and timelines.
func (s State) String() string { return stateNames[s] }

// Fact is one thing that is known about one call. At is Asterisk's time: for what begins talk, the latest instant
// that the call's events name; for what ends it, the ending event's own.
type Fact struct {
	Kind FactKind
	Call CallID
	At   time.Time

	Service, Node   string
	Number          Number // in clear; for the lookup and the pseudonym, never kept
	Caller          string // the pseudonym
	Terms           *Terms
	Queue, Operator string
	State           State
	Why             string
	Exemption       Exemption
	Announcement    *Announcement
	Survey          *Survey
	Unseen          bool
}

// Terms is what a call is charged by: fixed when it arrives, for the whole call.
type Terms struct {
	Tariff *tariff.Tariff // nil: the service has no price, nothing is charged
	// AskExemption: the caller may be exempt; until a lookup has answered, nothing is charged.
	AskExemption bool
	// Policy is the law that the call is charged under; the zero value has no rules.
	Policy policy.Policy
	// NumberKind is the kind of the number that callers dial for the service; "" where no policy asks.
	NumberKind string
}

// Verdict is what a lookup said of a caller.
type Verdict uint8

// The verdicts. The zero value is no answer, and no answer is never charged.
const (
	ExemptUnknown Verdict = iota
	ExemptNo
	ExemptYes
)

var verdictNames = [...]string{ExemptUnknown: "unknown", ExemptNo: "no", ExemptYes: "yes"}

// String is the verdict's name in logs and evidence.
func (v Verdict) String() string { return verdictNames[v] }

// ParseVerdict reads what String wrote; anything else is unknown.
func ParseVerdict(s string) Verdict {
	for v, name := range verdictNames {
		if name == s {
			return Verdict(v)
		}
	}
	return ExemptUnknown
}

// Exemption is a lookup's answer as the record may know it: never why.
type Exemption struct {
	Verdict Verdict
	Ref     string // opaque: the registry's own reference of the entitlement
}
