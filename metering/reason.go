package metering

// Reason is why the charge is what it is. docs/record.md explains each one.
type Reason string

// The reasons.
const (
	// ReasonTalk: whole increments of talk, charged by the tariff.
	ReasonTalk Reason = "talk"
	// ReasonExempt: the caller is exempt, and so never charged.
	ReasonExempt Reason = "exempt"
	// ReasonExemptionUnresolved: no lookup answered in time. Not charged.
	ReasonExemptionUnresolved Reason = "exemption_unresolved"
	// ReasonNoTariff: the service has no price.
	ReasonNoTariff Reason = "no_tariff"
	// ReasonNoTalk: no operator talked with the caller.
	ReasonNoTalk Reason = "no_talk"
	// ReasonBelowIncrement: talk of less than one increment or one minor unit.
	ReasonBelowIncrement Reason = "below_increment"
	// ReasonUnseen: part of the call was not seen, and is free.
	ReasonUnseen Reason = "unseen"
	// ReasonEndUnseen: the end was not seen. The call counts up to the watermark.
	ReasonEndUnseen Reason = "end_unseen"
	// ReasonCapped: talk, charged no more than the tariff's cap for a call.
	ReasonCapped Reason = "capped"
	// ReasonDirectionUnknown: it was not seen whether the caller called, or was called back by the PBX.
	ReasonDirectionUnknown Reason = "direction_unknown"
	// ReasonTookOver: the caller's leg took the place of another call's leg, so it is part of that call.
	ReasonTookOver Reason = "took_over"
	// ReasonPriceForbidden: the policy allows the service no price.
	ReasonPriceForbidden Reason = "price_forbidden"
	// ReasonNumberRefused: the call was led to a number of an unknown kind, or of a kind that may cost
	// more than an ordinary call.
	ReasonNumberRefused Reason = "number_refused"
	// ReasonWaitCharged: the caller's own network charged the wait, and the policy voids the whole
	// charge for that.
	ReasonWaitCharged Reason = "wait_charged"
	// ReasonAnnouncedFree: the front desk announced that the call is free.
	ReasonAnnouncedFree Reason = "announced_free"
	// ReasonNoConsent: the caller did not agree to the price.
	ReasonNoConsent Reason = "no_consent"
	// ReasonNotAnnounced: the price of the call was not announced to the caller.
	ReasonNotAnnounced Reason = "not_announced"
	// ReasonAnnouncedLate: the price announcement ended less than 3 s before talk.
	ReasonAnnouncedLate Reason = "announced_late"
	// ReasonWaitNotTold: the policy requires that the caller is told how long the wait is expected to
	// be, and that was not told, or not known.
	ReasonWaitNotTold Reason = "wait_not_told"
	// ReasonResolved: a later version. The lookup answered, as of the call's time.
	ReasonResolved Reason = "resolved"
	// ReasonCredited: a later version. A backdated entitlement covers the call.
	ReasonCredited Reason = "credited"
	// ReasonGivenUp: a later version. No lookup answered for so long that the call stays free.
	ReasonGivenUp Reason = "given_up"
	// ReasonReconciled: a later version. Asterisk's CEL filled time that was not seen.
	ReasonReconciled Reason = "reconciled"
	// ReasonShortened: a later version. Asterisk's CEL shows that some of the talk was none.
	ReasonShortened Reason = "shortened"
	// ReasonNoMedia: no audio packet came from a phone, so what had counted as talk is unseen.
	ReasonNoMedia Reason = "no_media"
	// ReasonRTPTimeout: the same, up to the RTP timeout by which the PBX ended the phone's channel.
	ReasonRTPTimeout Reason = "rtp_timeout"
	// ReasonNumberUntrusted: nobody vouches for the caller's number, so that it was not asked about.
	ReasonNumberUntrusted Reason = "number_untrusted"
	// ReasonAnsweredEarly: the caller's channel was answered before an operator answered, so the
	// caller's own network charged a wait.
	ReasonAnsweredEarly Reason = "answered_early"
)
