package logs

var proxyEvents = []Event{
	{
		Name: "proxy.started", Levels: "info",
		Meaning: "`risposta proxy` has started",
		Fields:  "`admin`",
	},
	{
		Name: "proxy.stopped", Levels: "info, error",
		Meaning: "it has ended",
		Fields:  "`error`",
		Do:      "With `error`: read it; the service manager starts it again.",
	},
	{
		Name: "proxy.connected", Levels: "info",
		Meaning: "NATS is connected",
		Repeats: true,
	},
	{
		Name: "proxy.disconnected", Levels: "warn",
		Meaning: "NATS is not connected; it is tried again each second",
		Fields:  "`error`",
		Do:      "Look at NATS, and at `nats`.",
		Repeats: true,
	},
	{
		Name: "proxy.listening", Levels: "info",
		Meaning: "requests about the PBX with this id are served",
		Fields:  "`node`",
		Repeats: true,
	},
	{
		Name: "proxy.id_changed", Levels: "warn",
		Meaning: "the PBX has another id than before, and is served under that",
		Fields:  "`before`, `node`",
		Do:      "If it is not meant: set `entityid` in asterisk.conf. If it is: the tap needs a new folder.",
		Repeats: true,
	},
	{
		Name: "proxy.failed", Levels: "warn",
		Meaning: "requests cannot be served, or one could not be read; the next try follows",
		Fields:  "`error`, `retry_in_ms`",
		Do:      "Check that Asterisk runs, and url, username and password in the configuration.",
		Repeats: true,
	},
	{
		Name: "proxy.refused", Levels: "warn",
		Meaning: "a request over NATS that no meter sends was not served",
		Fields:  "`kind`",
		Do:      "Find out who else may publish on `ari.>`, and take that away.",
		Repeats: true,
	},
}
