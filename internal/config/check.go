package config

import (
	"fmt"
	"net"
	"net/url"
	"regexp"
	"time"
)

// The bounds of how long detail is kept, for the six months of the law and for what a business may
// argue for, of how long a change to the ledger may go unsigned, and of how long an event may wait for
// its commit.
const (
	maxKeepMonths  = 120
	minSignEvery   = time.Second
	maxSignEvery   = 24 * time.Hour
	minCommitEvery = 10 * time.Millisecond
	maxCommitEvery = time.Second
)

// The bounds of how often the legs of a talk are asked about: for what a PBX bears, and for how long
// a dead phone may go unnoticed.
const (
	minProbeEvery = 2 * time.Second
	maxProbeEvery = time.Minute
)

var (
	applicationName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)
	language        = regexp.MustCompile(`^[a-z]{2}(_[A-Z]{2})?$`)
)

// check checks the values of a configuration that has its defaults.
func (l *loader) check(c *Config) {
	l.checkMeter(c)
	if len(c.Operators) == 0 {
		l.problem("operators", "missing: without operators nothing is ever charged; "+
			"list their endpoints, such as PJSIP/agent*")
	}
	l.checkGlobs("operators", c.Operators)
	l.checkTariffs(c)
	l.checkServices(c)
	l.checkCallers(c)
	l.checkExemption(c.Exemption)
	l.checkExtensions(c)
	l.checkFrontDesk(c.FrontDesk)
	l.checkLaw(c)
	l.checkLedger(c.Ledger)
	l.checkDeliveries(c)
	l.checkCluster(c)
	l.checkQuality(c)
	l.checkAdmin(c.Admin)
	l.checkLog(c.Log)
}

// checkPlace is called before connection strings that a command does not need are removed.
func (l *loader) checkPlace(c *Config) {
	file, postgres := c.Ledger.File != "", c.Ledger.Postgres.given()
	switch {
	case !file && !postgres:
		l.problem("ledger.file", "missing: the path of the file in which records and evidence are kept")
	case file && postgres:
		l.problem("ledger.postgres", "there is ledger.file, too: give one of them")
	case postgres && c.Ledger.KeyFile == "":
		l.problem("ledger.key_file", "missing: the key that signs the ledger log, which is not kept in "+
			"PostgreSQL")
	case postgres && !c.Exemption.given():
		l.problem("exemption.registry", "missing: the file of the register of exempt callers, or another "+
			"lookup")
	}
}

func (l *loader) checkProbeEvery(key string, e time.Duration) {
	if e < minProbeEvery || e > maxProbeEvery {
		l.problem(key, "%s is not from %s to %s", e, minProbeEvery, maxProbeEvery)
	}
}

func (l *loader) checkLedger(c Ledger) {
	if m := c.KeepMonths; m < 1 || m > maxKeepMonths {
		l.problem("ledger.keep_months", "%d is not from 1 to %d", m, maxKeepMonths)
	}
	if e := c.SignEvery; e < minSignEvery || e > maxSignEvery {
		l.problem("ledger.sign_every", "%s is not from %s to %s", e, minSignEvery, maxSignEvery)
	}
	if e := c.CommitEvery; e < minCommitEvery || e > maxCommitEvery {
		l.problem("ledger.commit_every", "%s is not from %s to %s", e, minCommitEvery, maxCommitEvery)
	}
	l.checkHeads(c.Heads)
}

func (l *loader) checkAdmin(c Admin) {
	host, _, err := net.SplitHostPort(c.Listen)
	switch {
	case err != nil:
		l.problem("admin.listen", "%q is not an address such as 127.0.0.1:9108", c.Listen)
	case (c.CertFile == "") != (c.KeyFile == ""):
		l.problem("admin.cert_file", "give both cert_file and key_file, or neither")
	case c.CertFile == "" && !loopback(host):
		l.problem("admin.listen", "%q is not on loopback: give cert_file, key_file and password_file, "+
			"or calls can be watched from the network", c.Listen)
	}
}

// askPassword reports whether the admin port asks for a password: on the network always.
func (a Admin) askPassword() bool {
	host, _, err := net.SplitHostPort(a.Listen)
	return a.PasswordFile != "" || !a.Password.Empty() || err == nil && !loopback(host)
}

func (l *loader) checkLog(c Log) {
	if c.Format != "json" && c.Format != "console" {
		l.problem("log.format", "%q is neither json nor console", c.Format)
	}
	if c.Level != "debug" && c.Level != "info" && c.Level != "warn" && c.Level != "error" {
		l.problem("log.level", "%q is not one of debug, info, warn, error", c.Level)
	}
}

func (l *loader) checkFrontDesk(c FrontDesk) {
	if !language.MatchString(c.Language) {
		l.problem("front_desk.language", "%q is not a language such as it or en", c.Language)
	}
	if w := c.WithoutConsent; w != HangUp && w != Free {
		l.problem("front_desk.without_consent", "%q is neither hangup nor free", w)
	}
	if p := c.Pace; p != NormalPace && p != Slow {
		l.problem("front_desk.pace", "%q is neither normal nor slow", p)
	}
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (l *loader) checkPBX(c *Config) {
	if len(c.PBX) == 0 {
		l.problem("pbx", "missing: the address and user of at least one Asterisk")
	}
	seen := map[string]bool{}
	for i, p := range c.PBX {
		key := fmt.Sprintf("pbx[%d]", i)
		l.checkPBXAddress(key, p)
		l.checkListen(key+".listen", p.Listen)
		if p.Username == "" {
			l.problem(key+".username", "missing: the user of ari.conf")
		}
		if !applicationName.MatchString(p.Application) {
			l.problem(key+".application", "%q is not a name of letters, digits, dots, "+
				"dashes and underscores", p.Application)
		}
		l.checkProbeEvery(key+".probe_every", p.ProbeEvery)
		if seen[p.URL] {
			l.problem(key+".url", "%s is listed twice", p.URL)
		}
		seen[p.URL] = true
	}
}

func (l *loader) checkPBXAddress(key string, p PBX) {
	u, err := url.Parse(p.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		l.problem(key+".url", "%q is not an address such as http://127.0.0.1:8088/ari", p.URL)
	} else if u.User != nil {
		l.problem(key+".url", "holds a user or a password: use username and password_file")
	}
	if err != nil {
		return
	}
	if u.Scheme == "http" && u.Host != "" && !loopback(u.Hostname()) {
		l.problem(key+".url", "%q sends the password over the network unencrypted: "+
			"use https, or an Asterisk on this machine", p.URL)
	}
	if p.CAFile != "" && u.Scheme != "https" {
		l.problem(key+".ca_file", "is for an https url only")
	}
}

func (l *loader) checkListen(key string, c Listen) {
	if c.Address == "" {
		if c != (Listen{}) {
			l.problem(key+".address", "missing: where the PBX connects to, such as 127.0.0.1:8787")
		}
		return
	}
	host, _, err := net.SplitHostPort(c.Address)
	if err != nil {
		l.problem(key+".address", "%q is not an address such as 127.0.0.1:8787", c.Address)
		return
	}
	if (c.CertFile == "") != (c.KeyFile == "") {
		l.problem(key+".cert_file", "give both cert_file and key_file, or neither")
	}
	if c.CertFile == "" && !loopback(host) {
		l.problem(key+".address", "%q is not on loopback: give cert_file and key_file, or calls and "+
			"password cross the network unencrypted", c.Address)
	}
}
