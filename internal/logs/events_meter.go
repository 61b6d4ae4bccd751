package logs

var meterEvents = []Event{
	{
		Name: "nats.connected", Levels: "info",
		Meaning: "NATS is connected",
		Repeats: true,
	},
	{
		Name: "nats.disconnected", Levels: "warn",
		Meaning: "NATS is not connected; it is tried again each second. Nothing is lost: the taps keep " +
			"what their PBXs do",
		Fields:  "`error`",
		Do:      "Look at NATS, and at `nats`.",
		Repeats: true,
	},
	{
		Name: "nats.refused", Levels: "error",
		Meaning: "the account may not use a subject",
		Fields:  "`error`",
		Do:      "Compare the account's permissions with docs/cluster.md.",
		Repeats: true,
	},
	{
		Name: "nats.message_unreadable", Levels: "error",
		Meaning: "a message of the stream could not be read, or what is missing could not be had from the tap",
		Fields:  "`pbx`, `error`",
		Do:      "Look whether the tap runs, and whether its version is later than the meter's.",
		Repeats: true,
	},
	{
		Name: "nats.resent", Levels: "warn",
		Meaning: "so many frames were missing in the stream, and came from the tap's journal",
		Fields:  "`pbx`, `frames`",
		Do:      "Nothing, once. Where it repeats: the stream loses what it has acknowledged.",
		Repeats: true,
	},
	{
		Name: "meter.apart", Levels: "error",
		Meaning: "the database cannot be reached: no lease can be renewed, and nothing committed",
		Fields:  "`error`",
		Do:      "Look at PostgreSQL. The taps keep what their PBXs do meanwhile.",
		Repeats: true,
	},
	{
		Name: "meter.nodes_unknown", Levels: "warn",
		Meaning: "the stream could not be asked which PBXs there are; those that are known are metered",
		Fields:  "`error`",
		Do:      "Look at NATS.",
		Repeats: true,
	},
	{
		Name: "node.taken", Levels: "info",
		Meaning: "this meter has the lease of a PBX from here on",
		Fields:  "`pbx`, `epoch`",
		Repeats: true,
	},
	{
		Name: "node.not_taken", Levels: "error",
		Meaning: "a PBX that is free could not be taken; it is tried again",
		Fields:  "`pbx`, `error`",
		Do:      "Read `error`.",
		Repeats: true,
	},
	{
		Name: "node.lost", Levels: "warn",
		Meaning: "another meter has the PBX: the lease was not renewed in time. What it had not committed " +
			"the other one meters",
		Fields:  "`pbx`, `epoch`",
		Do:      "Look why this meter was late: CPU, disk of the database, network.",
		Repeats: true,
	},
	{
		Name: "node.failed", Levels: "error",
		Meaning: "metering a PBX ended with an error; its lease was given back",
		Fields:  "`pbx`, `error`",
		Do:      "Read `error`.",
		Repeats: true,
	},
	{
		Name: "node.released", Levels: "info",
		Meaning: "everything of a PBX is committed, and its lease was given back for another meter",
		Fields:  "`pbx`, `epoch`",
		Repeats: true,
	},
	{
		Name: "node.not_released", Levels: "warn",
		Meaning: "a lease could not be given back; it ends by itself within seconds",
		Fields:  "`pbx`, `error`",
		Repeats: true,
	},
}
