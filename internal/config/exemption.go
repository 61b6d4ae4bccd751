package config

import "time"

// Exemption names the exemption lookups. Every lookup that is named here is asked.
type Exemption struct {
	// Whose number exempts: `any` caller's, or only a `trusted` one, which `callers.attestation` vouches
	// for. Anybody else has the codes. Left out: trusted where callers.attestation names a trunk.
	ByNumber string `yaml:"by_number"`
	// The file of the gateway's own register, which `risposta exempt` manages. Where no other lookup is
	// named, it is exempt.db beside ledger.file.
	Registry string `yaml:"registry"`
	// A CSV file of exempt callers, with the columns number,from,until,ref. It is read when it has
	// stood still, or at once where it ends with the count of its rows.
	CSV string `yaml:"csv"`
	// A query on PostgreSQL.
	SQL SQL `yaml:"sql"`
	// A service of the company.
	HTTP HTTP `yaml:"http"`
	// How long one lookup may take, from 10ms to 1m.
	Timeout time.Duration `yaml:"timeout"`
	// How long an answer of `sql` or `http` is remembered at most, up to 1h. One that names no end is
	// not remembered.
	Cache time.Duration `yaml:"cache"`
	// How long after a call an unanswered lookup is tried again, from 1m to 4320h. Then the call is
	// free for good.
	GiveUpAfter time.Duration `yaml:"give_up_after"`
	// The time zone in which the days of entitlements begin and end.
	Zone string `yaml:"zone"`
}

// The values of Exemption.ByNumber.
const (
	NumberAny     = "any"
	NumberTrusted = "trusted"
)

// SQL is a query on the company's PostgreSQL.
type SQL struct {
	// The file that holds the connection string.
	DSNFile string `yaml:"dsn_file"`
	// The connection string. To another machine it needs `sslmode=verify-full`.
	DSN Secret `yaml:"dsn"`
	// The query. `$1` is the number, such as +390612345678, `$2` the instant. Its columns are whether
	// the caller is exempt, a reference, and until when.
	Query string `yaml:"query"`
}

// HTTP is the company's own service.
type HTTP struct {
	// The address, such as https://registry.example/exempt. A plain http address must be on loopback.
	URL string `yaml:"url"`
	// The file that holds the bearer token.
	TokenFile string `yaml:"token_file"`
	// The bearer token.
	Token Secret `yaml:"token"`
	// The certificates that an https url is verified with.
	CAFile string `yaml:"ca_file"`
}
