package config

import (
	"net/url"
	"time"
)

// The bounds of the exemption lookups. A timeout is long enough for a database, and short enough to
// end before the operator answers.
const (
	minTimeout     = 10 * time.Millisecond
	maxTimeout     = time.Minute
	maxCache       = time.Hour
	minGiveUpAfter = time.Minute
	maxGiveUpAfter = 180 * 24 * time.Hour
)

func (l *loader) checkExemption(e Exemption) {
	if t := e.Timeout; t < minTimeout || t > maxTimeout {
		l.problem("exemption.timeout", "%s is not from %s to %s", t, minTimeout, maxTimeout)
	}
	if e.Cache < 0 || e.Cache > maxCache {
		l.problem("exemption.cache", "%s is not from 0s to %s", e.Cache, maxCache)
	}
	if e.GiveUpAfter < minGiveUpAfter || e.GiveUpAfter > maxGiveUpAfter {
		l.problem("exemption.give_up_after", "%s is not from %s to %s",
			e.GiveUpAfter, minGiveUpAfter, maxGiveUpAfter)
	}
	if b := e.ByNumber; b != NumberAny && b != NumberTrusted {
		l.problem("exemption.by_number", "%q is not %s or %s", b, NumberAny, NumberTrusted)
	}
	if _, err := time.LoadLocation(e.Zone); err != nil || e.Zone == "Local" {
		l.problem("exemption.zone", "%q is not a time zone such as Europe/Rome", e.Zone)
	}
	if e.SQL.Query == "" && (e.SQL.DSNFile != "" || !e.SQL.DSN.Empty()) {
		l.problem("exemption.sql.query", "missing: such as SELECT true, ref, valid_until FROM exempt "+
			"WHERE number = $1 AND valid_from <= $2 AND valid_until > $2")
	}
	if e.HTTP != (HTTP{}) {
		l.checkExemptionHTTP(e.HTTP)
	}
}

func (l *loader) checkExemptionHTTP(c HTTP) {
	u, err := url.Parse(c.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		l.problem("exemption.http.url",
			"%q is not an address such as https://registry.example/exempt", c.URL)
	case u.User != nil:
		l.problem("exemption.http.url", "holds a user or a password: use token_file")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		l.problem("exemption.http.url",
			"%q sends callers' numbers over the network unencrypted: use https", c.URL)
	case c.CAFile != "" && u.Scheme != "https":
		l.problem("exemption.http.ca_file", "is for an https url only")
	}
}
