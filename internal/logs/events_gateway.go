package logs

var gatewayEvents = []Event{
	{
		Name: "gateway.started", Levels: "info",
		Meaning: "it has started",
		Fields:  "`admin`, `pbxs`",
	},
	{
		Name: "gateway.stopped", Levels: "info, error",
		Meaning: "it has ended; `error`: something was not committed",
		Fields:  "`error`",
		Do: "With `error`: read it; some calls will have unseen time. `risposta " +
			"reconcile` proves from the CEL what was missed.",
	},
	{
		Name: "gateway.admin_refused", Levels: "warn",
		Meaning: "a request to the admin port, or a connection, was refused or failed",
		Fields:  "`reason` (`login`, `host`, `failed`), `from`, `host`, `error`",
		Do: "With `login`: find out who it is, or correct the password. With `host`: " +
			"open the page as localhost. With `failed`: compare the certificate with " +
			"what the client trusts.",
		Repeats: true,
	},
	{
		Name: "log.left_out", Levels: "warn",
		Meaning: "so many lines of event `of` were left out: it came more often than " +
			"10 times within a minute",
		Fields: "`of`, `lines`",
		Do:     "Nothing: look at the event that it names. The metrics count all.",
	},
	{
		Name: "gateway.not_notified", Levels: "warn",
		Meaning: "the service manager could not be told a state",
		Fields:  "`error`",
		Do:      "Look at the unit: it wants Type=notify and NotifyAccess=main.",
		Repeats: true,
	},
	{
		Name: "config.reloaded", Levels: "info",
		Meaning: "a changed configuration is in force, for calls that arrive from here on",
	},
	{
		Name: "config.refused", Levels: "error",
		Meaning: "the changed configuration is wrong; the one in force stays",
		Fields:  "`error`",
		Do:      "Correct what `error` names, and reload: `risposta check --offline` finds it before.",
	},
	{
		Name: "config.needs_restart", Levels: "warn",
		Meaning: "keys that differ and do not count before a restart",
		Fields:  "`keys`",
		Do:      "Restart the gateway when a short gap does no harm.",
	},
	{
		Name: "pbx.synced", Levels: "info",
		Meaning: "from here on every event of the PBX is received",
		Fields:  "`node`, `systemname`, `version`, `channels`, `took_ms`",
		Repeats: true,
	},
	{
		Name: "pbx.sync_lost", Levels: "warn",
		Meaning: "a gap: nothing is known from the last event on",
		Fields:  "`reason`, `error`",
		Do:      "Nothing, if `pbx.synced` follows within seconds. Else see docs/runbooks/sync.md.",
		Repeats: true,
	},
	{
		Name: "pbx.unreachable", Levels: "warn",
		Meaning: "no connection; the next try follows",
		Fields:  "`error`, `retry_in_ms`",
		Do: "Check that Asterisk runs, and url, username and password in the " +
			"configuration: `risposta check`.",
		Repeats: true,
	},
	{
		Name: "pbx.inbox_overflow", Levels: "error",
		Meaning: "the queue is full; a new snapshot follows once it has drained",
		Do: "The disk or the CPU is too slow for the events: look at " +
			"`risposta_commit_duration_seconds`, and see docs/runbooks/disk.md.",
		Repeats: true,
	},
	{
		Name: "pbx.clock_jumped", Levels: "error",
		Meaning: "the PBX's clock was set forward; a new snapshot follows",
		Do: "Let the PBX keep its time by NTP, and find out who set its clock: " +
			"docs/runbooks/clock.md.",
		Repeats: true,
	},
	{
		Name: "pbx.not_filtered", Levels: "warn",
		Meaning: "the PBX could not be told which events to send, and sends all: more CPU, " +
			"nothing else; once a run",
		Fields: "`error`",
		Do:     "Nothing, if the CPU is not short. Else use an Asterisk that knows event filters.",
	},
	{
		Name: "pbx.proxy_connected", Levels: "info",
		Meaning: "commands to the PBX can be sent over NATS",
		Repeats: true,
	},
	{
		Name: "pbx.proxy_lost", Levels: "warn",
		Meaning: "NATS cannot be reached: no caller of this PBX gets an announcement, and the calls " +
			"that need one are free",
		Fields:  "`error`, `retry_in_ms`",
		Do:      "Look at NATS, and at `nats`.",
		Repeats: true,
	},
	{
		Name: "pbx.unnamed", Levels: "warn",
		Meaning: "systemname is not set in asterisk.conf",
		Fields:  "`node`, `error`",
		Do:      "Set `systemname` in asterisk.conf, another one on each PBX.",
		Repeats: true,
	},
	{
		Name: "call.unmatched", Levels: "warn",
		Meaning: "the first call of an extension that came into a service's context, or " +
			"talked with an operator, and was on no service; all are counted",
		Fields: "`extension` (long numbers masked), `context`, `reason` (`no_service`, `talk`)",
		Do:     "If it should be metered, add its number to `services`. If not, nothing.",
	},
	{
		Name: "frame.unreadable", Levels: "warn",
		Meaning: "the first unreadable frame of its type; all are counted",
		Fields:  "`type`, `bytes`, `doubtful`, `error`",
		Do: "Report it with the Asterisk version. The calls that it names are free " +
			"until the next snapshot.",
	},
	{
		Name: "calls.restored", Levels: "info",
		Meaning: "calls that were open when the last run ended continue",
		Fields:  "`calls`, `watermark`",
	},
	{
		Name: "checkpoint.saved", Levels: "info, warn",
		Meaning: "Asterisk keeps its events for the next run; warn: not saved",
		Fields:  "`calls`, `error`",
		Do:      "With warn: the next start has a gap; look at the disk.",
	},
	{
		Name: "calls.resumed", Levels: "info",
		Meaning: "this run continues without a gap at the checkpoint",
		Fields:  "`calls`, `watermark`",
	},
	{
		Name: "pbx.login_refused", Levels: "warn",
		Meaning: "a client of the listener showed no password or a wrong one",
		Fields:  "`from`",
		Do: "If the address is the PBX: compare websocket_client.conf with " +
			"`listen.username` and its password. If not: find out who it is.",
		Repeats: true,
	},
	{
		Name: "pbx.listener_failed", Levels: "warn",
		Meaning: "a connection to the listener failed, such as by a TLS error",
		Fields:  "`error`",
		Do:      "Compare the certificates of `listen` with what the PBX trusts.",
		Repeats: true,
	},
	{
		Name: "calls.not_resumed", Levels: "warn",
		Meaning: "it cannot: the time since is unseen",
		Fields:  "`error`",
		Do:      "`risposta reconcile` proves from the CEL what was not seen.",
		Repeats: true,
	},
}
