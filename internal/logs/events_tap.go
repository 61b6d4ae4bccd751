package logs

// tapEvents are those of `risposta tap`, which logs those of the PBX as well.
var tapEvents = []Event{
	{
		Name: "tap.started", Levels: "info",
		Meaning: "the tap has started",
		Fields:  "`admin`",
	},
	{
		Name: "tap.stopped", Levels: "info, error",
		Meaning: "it has ended; `error`: frames were not written",
		Fields:  "`error`",
		Do:      "With `error`: read it; the meters have a gap.",
	},
	{
		Name: "tap.nats_connected", Levels: "info",
		Meaning: "it is connected to NATS",
		Repeats: true,
	},
	{
		Name: "tap.nats_lost", Levels: "warn",
		Meaning: "the connection to NATS is lost; the journal keeps what comes",
		Fields:  "`error`",
		Do:      "Nothing, if `tap.nats_connected` follows. Else look at the servers of `nats.urls`.",
		Repeats: true,
	},
	{
		Name: "tap.nats_refused", Levels: "error",
		Meaning: "the account of the tap may not use a subject",
		Fields:  "`error`",
		Do:      "Give the account the subjects of docs/tap.md.",
		Repeats: true,
	},
	{
		Name: "tap.journal_failed", Levels: "error",
		Meaning: "the journal could not be written or read; frames wait until the retry",
		Fields:  "`error`, `retry_in_ms`",
		Do:      "Look at the disk of `tap.folder`: docs/runbooks/disk.md.",
		Repeats: true,
	},
	{
		Name: "tap.journal_filling", Levels: "error",
		Meaning: "the journal has 80 % of the bytes that it may have: no meter passes what it has",
		Fields:  "`bytes`, `bound`",
		Do:      "Look at the meters, and at NATS. Or raise `tap.journal_bytes`.",
	},
	{
		Name: "tap.journal_full", Levels: "error",
		Meaning: "the journal takes no more; frames wait in memory, and then are a gap",
		Fields:  "`error`, `retry_in_ms`",
		Do:      "Look at the meters, and at NATS. Or raise `tap.journal_bytes` and restart the tap.",
		Repeats: true,
	},
	{
		Name: "tap.stream_filling", Levels: "error",
		Meaning: "the stream has 80 % of the bytes that it may have",
		Fields:  "`bytes`, `bound`",
		Do:      "Look at the meters: what they pass goes. Or raise `nats.stream_bytes` on all taps.",
	},
	{
		Name: "tap.stream_full", Levels: "error",
		Meaning: "the stream takes no more; the journal keeps what comes",
		Fields:  "`error`, `retry_in_ms`",
		Do:      "Look at the meters, and at the disks of NATS. Or raise `nats.stream_bytes` on all taps.",
		Repeats: true,
	},
	{
		Name: "tap.stream_unseen", Levels: "warn",
		Meaning: "the size of the stream is not known, or what was passed stays in it",
		Fields:  "`error`",
		Do:      "If it goes on: give the account the subjects of docs/tap.md.",
		Repeats: true,
	},
	{
		Name: "tap.publish_failed", Levels: "error",
		Meaning: "the stream has not acknowledged; the journal keeps what comes, and sends it again",
		Fields:  "`error`, `retry_in_ms`",
		Do:      "Nothing, if it stops. Else look at NATS: `nats stream info` shows the stream.",
		Repeats: true,
	},
	{
		Name: "tap.request_refused", Levels: "warn",
		Meaning: "a request of a meter could not be answered",
		Fields:  "`subject`, `error`",
		Do:      "Read `error`: taps and meters need the same release.",
		Repeats: true,
	},
	{
		Name: "tap.snapshot_too_long", Levels: "error",
		Meaning: "the PBX listed more than a message may hold: the meters have a gap; it is asked again",
		Fields:  "`error`",
		Do:      "Report it with the number of channels of the PBX.",
		Repeats: true,
	},
}
