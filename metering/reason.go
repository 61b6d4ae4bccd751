package metering

// Reason is a word of the record's `reasons`: why the charge is what it is. Documented in docs/record.md.
type Reason string

// The reasons.
const (
	ReasonTalk             Reason = "talk"              // whole increments of talk, charged by the tariff
	ReasonExempt           Reason = "exempt"            // the caller is exempt: never charged
	ReasonExemptionUnknown Reason = "exemption_unknown" // nobody could say in time: not charged
	ReasonNoTariff         Reason = "no_tariff"         // the service has no price
	ReasonNoTalk           Reason = "no_talk"           // no operator ever talked with the caller
	ReasonBelowIncrement   Reason = "below_increment"   // talked, but for less than one increment or one minor unit
	ReasonUnseen           Reason = "unseen"            // part of the call was not seen, and is free
	ReasonEndUnseen        Reason = "end_unseen"        // the end was not seen: counted up to the last sure instant
	ReasonReconciled       Reason = "reconciled"        // time that was not seen was proved afterwards from Asterisk's own log
	ReasonAnsweredEarly    Reason = "answered_early"    // the caller's channel was answered before the operator: the caller's own network charges the wait
)
