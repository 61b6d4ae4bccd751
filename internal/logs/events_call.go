package logs

var callEvents = []Event{
	{
		Name: "call.arrived", Levels: "info",
		Meaning: "a caller has entered a metered service",
		Fields:  "`node`, `service`, `caller` (a pseudonym), `direction` where it is `unknown`",
	},
	{
		Name: "caller.identified", Levels: "info",
		Meaning: "the caller's number, withheld so far, has come; the lookup is asked",
		Fields:  "`caller`",
	},
	{
		Name: "caller.took_over", Levels: "info",
		Meaning: "the caller's leg took the place of another call's: it is free",
	},
	{
		Name: "caller.answered", Levels: "info",
		Meaning: "the caller's channel went Up: the caller's network charges from here",
	},
	{
		Name: "queue.joined", Levels: "info",
		Meaning: "the caller waits in a queue",
		Fields:  "`queue`",
	},
	{
		Name: "queue.left", Levels: "info",
		Meaning: "answered, or left otherwise",
		Fields:  "`queue`",
	},
	{
		Name: "caller.chose", Levels: "info",
		Meaning: "the dialplan has marked that the caller chose an operator",
	},
	{
		Name: "talk.started", Levels: "info",
		Meaning: "operator and caller can talk: the meter runs",
		Fields:  "`operator`, `queue`",
	},
	{
		Name: "talk.paused", Levels: "info",
		Meaning: "they no longer can: the meter stops",
		Fields:  "`state` (`waiting`, `held`, `unseen`), `operator`",
	},
	{
		Name: "talk.unproven", Levels: "info",
		Meaning: "what counted as talk between `since` and `at` is taken back as unseen",
		Fields:  "`since`, `reason`",
	},
	{
		Name: "talk.held", Levels: "info",
		Meaning: "what counted as talk between `since` and `at` is taken back: the music of a hold went on",
		Fields:  "`since`",
	},
	{
		Name: "talk.retracted", Levels: "info",
		Meaning: "a late event shows that talk ended at `at`; later talk is subtracted",
	},
	{
		Name: "gap.started", Levels: "info",
		Meaning: "the call is not seen from here on, and free",
		Fields:  "`reason`",
	},
	{
		Name: "gap.ended", Levels: "info",
		Meaning: "the call is seen again",
		Fields:  "`state`, `operator`",
	},
	{
		Name: "number.reached", Levels: "info",
		Meaning: "a transfer or dialling led the call to a number of this kind",
		Fields:  "`kind`",
	},
	{
		Name: "caller.at_desk", Levels: "info",
		Meaning: "the caller has come to the front desk",
	},
	{
		Name: "announcement.made", Levels: "info",
		Meaning: "what the front desk announced, and what the caller answered",
		Fields:  "`announced`, `free`, `consent`, `tariff`, `wait_told`, `wait_seconds`",
	},
	{
		Name: "survey.answered", Levels: "info",
		Meaning: "the caller's answers so far",
		Fields:  "`satisfaction`, `solved`",
	},
	{
		Name: "exemption.answered", Levels: "info",
		Meaning: "the lookup has answered",
		Fields:  "`exempt` (`yes`, `no`, `unknown`), `ref`",
	},
	{
		Name: "call.ended", Levels: "info",
		Meaning: "the call is over",
		Fields:  "`ended_by` (`caller`, `service`, `unseen`)",
	},
	{
		Name: "call.set_aside", Levels: "error",
		Meaning: "the call contradicts the ledger, or its evidence does not replay: it is " +
			"metered no further",
		Fields: "`call`, `error`",
		Do: "Read `error`. Two PBXs with one `systemname` make the same call ids: set " +
			"another one on each.",
	},
	{
		Name: "record.written", Levels: "info",
		Meaning: "its record, or a later version, is in the ledger",
		Fields:  "those of [the record](record.md); `amount`, `currency`",
	},
}
