package logs

var ledgerEvents = []Event{
	{
		Name: "exemption.failed", Levels: "warn",
		Meaning: "a lookup failed; it is retried during the call, and after it",
		Fields:  "`call`, `error`",
		Do:      "If it goes on: `risposta check` asks each lookup; docs/runbooks/lookup.md.",
		Repeats: true,
	},
	{
		Name: "exemption.breaker", Levels: "warn",
		Meaning: "a lookup that keeps failing",
		Fields:  "`lookup`, `state`",
		Do:      "With `open`: see docs/runbooks/lookup.md.",
		Repeats: true,
	},
	{
		Name: "exemption.register_unusable", Levels: "error",
		Meaning: "the register is missing or refused; it answers no about nobody",
		Fields:  "`error`",
		Do: "Put the register back from a backup, or accept the one that is there: " +
			"`risposta exempt init`.",
		Repeats: true,
	},
	{
		Name: "exemption.register_usable", Levels: "info",
		Meaning: "it is usable again",
	},
	{
		Name: "exemption.register_not_scrubbed", Levels: "error",
		Meaning: "copies of what was deleted may be left in the register's files; retried " +
			"every 5 s",
		Fields: "`error`",
		Do:     "End the program that reads the register: `fuser` names it.",
	},
	{
		Name: "exemption.code_tries", Levels: "warn",
		Meaning: "too many wrong codes within an hour, of the `caller` or on the `trunk`",
		Fields:  "`call`, `of`",
		Do:      "Look at the calls of this trunk: somebody may be guessing codes.",
		Repeats: true,
	},
	{
		Name: "rerating.failed", Levels: "error",
		Meaning: "a pending record was not resolved, or a credit not made; retried",
		Fields:  "`call`, `error`",
		Do:      "If it goes on: docs/runbooks/lookup.md.",
		Repeats: true,
	},
	{
		Name: "ledger.commit_failed", Levels: "error",
		Meaning: "a commit failed; events wait until the retry",
		Fields:  "`error`, `records`, `retry_in_ms`",
		Do:      "Look at the disk: docs/runbooks/disk.md.",
		Repeats: true,
	},
	{
		Name: "ledger.signed", Levels: "info",
		Meaning: "the ledger log has been signed",
		Fields:  "`leaves`, `root`, `head`",
		Do:      "Keep `head` on another machine.",
	},
	{
		Name: "ledger.sign_failed", Levels: "error",
		Meaning: "it was not signed; retried after `ledger.sign_every`",
		Fields:  "`error`",
		Do:      "See docs/runbooks/signing.md.",
		Repeats: true,
	},
	{
		Name: "ledger.head_not_kept", Levels: "error",
		Meaning: "a second place of `ledger.heads` does not take the newest head, or does " +
			"not say which it has; retried until it does",
		Fields:  "`place`, `error`",
		Do:      "See docs/runbooks/signing.md.",
		Repeats: true,
	},
	{
		Name: "ledger.head_kept", Levels: "info",
		Meaning: "it has the newest head again",
		Fields:  "`place`",
	},
	{
		Name: "delivery.failing", Levels: "error",
		Meaning: "a system that gets the records fails; it is tried until it works",
		Fields:  "`sink`, `error`, `retry_in_ms`",
		Do:      "See docs/runbooks/delivery.md.",
		Repeats: true,
	},
	{
		Name: "delivery.resumed", Levels: "info",
		Meaning: "it works again",
		Fields:  "`sink`",
	},
	{
		Name: "delivery.dead_letter", Levels: "error",
		Meaning: "it has refused a record",
		Fields:  "`sink`, `record`, `error`",
		Do:      "See docs/runbooks/delivery.md: correct the cause, then `risposta delivery retry`.",
		Repeats: true,
	},
	{
		Name: "ledger.heads_differ", Levels: "error",
		Meaning: "at the start: the ledger is not the one whose head is in this second " +
			"place, which gets no more heads",
		Fields: "`place`, `error`",
		Do:     "Put the right ledger back, or move the kept heads away: docs/runbooks/signing.md.",
	},
	{
		Name: "ledger.wal_long", Levels: "error",
		Meaning: "the write-ahead log of the ledger or the exemption register has grown " +
			"over 256 MiB: another program reads the file and does not end",
		Fields: "`file`, `bytes`, `bound`, `error`",
		Do:     "End the program that reads the file: `fuser FILE` names it.",
	},
	{
		Name: "ledger.wal_cut", Levels: "info",
		Meaning: "it is short again",
		Fields:  "`file`, `bytes`",
	},
	{
		Name: "ledger.erased", Levels: "info",
		Meaning: "the detail of callers older than `ledger.keep_months` was erased",
		Fields:  "`calls`",
	},
	{
		Name: "ledger.erase_failed", Levels: "error",
		Meaning: "it was not, of some calls or all; retried an hour later",
		Fields:  "`error`",
		Do:      "Read `error`. It is tried again.",
		Repeats: true,
	},
	{
		Name: "ledger.repeats_failed", Levels: "error",
		Meaning: "it could not be counted who called again; retried an hour later",
		Fields:  "`error`",
		Do:      "Read `error`. It is tried again.",
		Repeats: true,
	},
}
