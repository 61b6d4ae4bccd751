package metering

// Reason is a word of the record's `reasons`: why the charge is what it is. Documented in docs/record.md.
type Reason string

// The reasons.
const (
	ReasonTalk                Reason = "talk"                 // whole increments of talk, charged by the tariff
	ReasonExempt              Reason = "exempt"               // the caller is exempt: never charged
	ReasonExemptionUnresolved Reason = "exemption_unresolved" // nobody could say in time: not charged
	ReasonNoTariff            Reason = "no_tariff"            // the service has no price
	ReasonNoTalk              Reason = "no_talk"              // no operator ever talked with the caller
	ReasonBelowIncrement      Reason = "below_increment"      // talked, but for less than one increment or one minor unit
	ReasonUnseen              Reason = "unseen"               // part of the call was not seen, and is free
	ReasonEndUnseen           Reason = "end_unseen"           // the end was not seen: counted up to the last sure instant
	ReasonCapped              Reason = "capped"               // talk, charged no more than the tariff's cap for a call
	ReasonPriceForbidden      Reason = "price_forbidden"      // the policy allows the service no price
	ReasonNumberRefused       Reason = "number_refused"       // the call was led to a number of a kind that may cost more than an ordinary call, or of none that is known
	ReasonWaitCharged         Reason = "wait_charged"         // the caller's own network charged the wait, and the policy voids the whole fee for it
	ReasonToldFree            Reason = "told_free"            // the front desk told the caller that the call is free
	ReasonNoConsent           Reason = "no_consent"           // the caller did not agree to the price
	ReasonNotAnnounced        Reason = "not_announced"        // the price, or this price, was not told to the caller
	ReasonAnnouncedLate       Reason = "announced_late"       // the telling of the price ended less than 3 s before talk
	ReasonResolved            Reason = "resolved"             // a later version: the lookup answered, as of the call's time
	ReasonCredited            Reason = "credited"             // a later version: a proof came late that the caller was exempt at the call's time
	ReasonGivenUp             Reason = "given_up"             // a later version: nobody could say for so long that the call is free for good
	ReasonReconciled          Reason = "reconciled"           // time that was not seen was proved afterwards from Asterisk's own log
	ReasonAnsweredEarly       Reason = "answered_early"       // the caller's channel was answered before the operator: the caller's own network charges the wait
)
