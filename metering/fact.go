package metering

import (
	"time"

	"github.com/risposta/gateway/metering/policy"
	"github.com/risposta/gateway/metering/tariff"
)

// CallID names a call: the unique id of the caller's channel.
type CallID string

// FactKind is what happened to a call.
type FactKind uint8

// The facts. Each comment names the fields that the fact uses besides Call and At.
const (
	// CallArrived uses Service, Node, Number, Endpoint and DirectionUnknown; RecordName, Caller, Origin
	// and Terms once they are known.
	CallArrived FactKind = iota + 1
	// CallerIdentified uses Number and Endpoint, then Caller and Origin: the caller's number, withheld so far, has come.
	CallerIdentified
	// CallerTookOver: the caller's leg took the place of another call's leg (INVITE with Replaces). It
	// is part of that call.
	CallerTookOver
	// CallerAnswered: the caller's own channel went Up, so the caller's network charges from here.
	CallerAnswered
	// QueueJoined uses Queue.
	QueueJoined
	// QueueLeft uses Queue.
	QueueLeft
	// CallerChose: the dialplan has marked that the caller chose an operator.
	CallerChose
	// TalkStarted uses Operator and Queue: both sides are connected, up and not on hold.
	TalkStarted
	// TalkPaused uses State, which is what the caller has instead of talk.
	TalkPaused
	// GapStarted uses Why: the PBX cannot be seen from At on.
	GapStarted
	// GapEnded uses State, as it was seen at At. TalkStarted may follow.
	GapEnded
	// ExemptionAnswered uses Exemption.
	ExemptionAnswered
	// CallEnded uses Why, one of the EndedBy constants, and Unseen where the end itself was not seen.
	CallEnded
	// NumberReached uses Why: the kind of a number that the call was led to, by a transfer or by
	// dialling.
	NumberReached
	// CallerAtDesk: the caller came to the front desk. A price that is not announced there is not
	// charged.
	CallerAtDesk
	// AnnouncementMade uses Announcement.
	AnnouncementMade
	// SurveyAnswered uses Survey, with the answers so far.
	SurveyAnswered
	// TalkUnproven uses Since, Why and Operator: what was counted as talk between Since and At was not
	// seen to be talk, and is unseen. With an Operator, only talk with that one.
	TalkUnproven
	// TalkRetracted: a late event shows that talk had ended at At. Talk counted after At, in segments
	// that have ended, was waiting.
	TalkRetracted
	// TalkHeld uses Since and Operator: what was counted as talk between Since and At was on hold. With
	// an Operator, only talk with that one.
	TalkHeld
)

var factNames = [...]string{
	CallArrived:       "call.arrived",
	CallerIdentified:  "caller.identified",
	CallerTookOver:    "caller.took_over",
	CallerAnswered:    "caller.answered",
	QueueJoined:       "queue.joined",
	QueueLeft:         "queue.left",
	CallerChose:       "caller.chose",
	TalkStarted:       "talk.started",
	TalkPaused:        "talk.paused",
	GapStarted:        "gap.started",
	GapEnded:          "gap.ended",
	ExemptionAnswered: "exemption.answered",
	CallEnded:         "call.ended",
	NumberReached:     "number.reached",
	CallerAtDesk:      "caller.at_desk",
	AnnouncementMade:  "announcement.made",
	SurveyAnswered:    "survey.answered",
	TalkUnproven:      "talk.unproven",
	TalkRetracted:     "talk.retracted",
	TalkHeld:          "talk.held",
}

// String is the fact's name in logs.
func (k FactKind) String() string { return factNames[k] }

// State is what the caller has at an instant.
type State uint8

// The states. Only Talking is ever charged.
const (
	// Waiting: no operator. Queue, ringing, announcement, music, IVR, another caller, a machine.
	Waiting State = iota
	// Talking: connected with an operator, and neither of them is on hold.
	Talking
	// Held: connected with an operator, and one of them is on hold.
	Held
	// Unseen: the PBX could not be seen.
	Unseen
)

var stateNames = [...]string{Waiting: "waiting", Talking: "talk", Held: "held", Unseen: "unseen"}

// String is the state's name in logs and timelines.
func (s State) String() string { return stateNames[s] }

// Fact is one thing that is known about one call. At is Asterisk's time: for a fact that begins
// talk, the latest instant that the call's events name; for one that ends talk, the ending event's
// own.
type Fact struct {
	Kind FactKind
	Call CallID
	At   time.Time

	Service, Node   string
	RecordName      string // that the ids of the call's records are made from
	Number          Number // in clear, for the lookup and the pseudonym; never kept
	Endpoint        string // of the caller's channel; never kept
	Caller          string // the pseudonym
	Origin          Origin
	Terms           *Terms
	Queue, Operator string
	State           State
	Why             string
	Since           time.Time
	Exemption       Exemption
	Announcement    *Announcement
	Survey          *Survey
	Unseen          bool
	// DirectionUnknown: it was not seen whether the caller called, or was called back by the PBX.
	DirectionUnknown bool
}

// Origin is what is kept of where a call came from, beside the caller's pseudonym.
type Origin struct {
	// Trunk is the endpoint that the call came in on, without any number in it.
	Trunk string
	// CallerAlso are the pseudonyms of the other numbers that the caller's number may mean.
	CallerAlso []string
	// CallerUnread: the PBX gave a number that no numbering plan has.
	CallerUnread bool
}

// Terms is what a call is charged by. They are fixed for the whole call when it arrives.
type Terms struct {
	// Tariff is the price. Nil: the service has no price, so nothing is charged.
	Tariff *tariff.Tariff
	// AskExemption: the caller may be exempt. Nothing is charged until a lookup has answered.
	AskExemption bool
	// Policy is the law that the call is charged under. The zero value has no rules.
	Policy policy.Policy
	// NumberKind is the kind of the number that callers dial for the service. "": no policy needs it.
	NumberKind string
	// OutsideHours: the call arrived outside the opening hours of the service.
	OutsideHours bool
	// ChoiceMarked: the caller chooses an operator where the dialplan marks it, and not by joining the
	// first queue.
	ChoiceMarked bool
}

// Verdict is a lookup's answer about a caller.
type Verdict uint8

// The verdicts. The zero value is no answer, and a call without an answer is never charged.
const (
	ExemptUnknown Verdict = iota
	ExemptNo
	ExemptYes
)

var verdictNames = [...]string{ExemptUnknown: "unknown", ExemptNo: "no", ExemptYes: "yes"}

// String is the verdict's name in logs and evidence.
func (v Verdict) String() string { return verdictNames[v] }

// ParseVerdict reads the text that String wrote. Any other text is ExemptUnknown.
func ParseVerdict(s string) Verdict {
	for v, name := range verdictNames {
		if name == s {
			return Verdict(v)
		}
	}
	return ExemptUnknown
}

// Exemption is a lookup's answer as the record may have it. It never says why a caller is exempt.
type Exemption struct {
	Verdict Verdict
	Ref     string // opaque: the register's own reference of the entitlement
	// Attestation is who vouches for the number that was asked about.
	Attestation Attestation
	// Untrusted: the number counted for nothing, because only numbers that somebody vouches for do.
	// The verdict is then no, and a code is the way.
	Untrusted bool
}
