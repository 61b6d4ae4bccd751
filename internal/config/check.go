package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering/tariff"
)

// secrets reads what is kept outside the file.
func (l *loader) secrets(c *Config, needs Needs, readFile func(string) ([]byte, error)) {
	for i := range c.PBX {
		if needs < AllSecrets {
			c.PBX[i].Password, c.PBX[i].Listen.Password = Secret{}, Secret{}
			continue
		}
		if in := &c.PBX[i].Listen; in.Address != "" {
			l.secret(fmt.Sprintf("pbx[%d].listen.password", i), &in.Password, in.PasswordFile, readFile)
		}
		l.secret(fmt.Sprintf("pbx[%d].password", i), &c.PBX[i].Password, c.PBX[i].PasswordFile, readFile)
	}
	if needs < CallersKey {
		c.Callers.Key, c.Exemption.SQL.DSN, c.Exemption.HTTP.Token = Secret{}, Secret{}, Secret{}
		return
	}
	if c.Exemption.SQL.Query != "" {
		l.secret("exemption.sql.dsn", &c.Exemption.SQL.DSN, c.Exemption.SQL.DSNFile, readFile)
	}
	if h := &c.Exemption.HTTP; h.TokenFile != "" {
		l.secret("exemption.http.token", &h.Token, h.TokenFile, readFile)
	}
	l.secret("callers.key", &c.Callers.Key, c.Callers.KeyFile, readFile)
	if !c.Callers.Key.Empty() {
		if _, err := c.Pseudonyms(); err != nil {
			l.wrong("callers.key", "%v", strings.TrimPrefix(err.Error(), "callers.key: "))
		}
	}
}

func (l *loader) secret(key string, s *Secret, file string, readFile func(string) ([]byte, error)) {
	if !s.Empty() {
		return // the environment wins
	}
	if file == "" {
		l.wrong(key, "missing: set %s, or %s_file to the path of a file that holds it", envName(key), last(key))
		return
	}
	text, err := readFile(file)
	if err != nil {
		l.wrong(key+"_file", "can't be read: %v", err)
		return
	}
	if s.value = strings.TrimSpace(string(text)); s.Empty() {
		l.wrong(key+"_file", "%s is empty", file)
	}
}

// The bounds of the exemption lookup's deadline: long enough for a database, short enough to be over before the operator answers.
const (
	minTimeout = 10 * time.Millisecond
	maxTimeout = time.Minute
)

// The bounds of what the ledger keeps: the law's six months and what a business may argue for; and of how long a change may go unsealed.
const (
	maxKeepMonths = 120
	minSealEvery  = time.Second
	maxSealEvery  = 24 * time.Hour
)

var (
	applicationName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)
	countryCode     = regexp.MustCompile(`^[1-9][0-9]{0,2}$`)
)

// check looks at the values.
func (l *loader) check(c *Config) {
	l.checkPBX(c)
	if len(c.Operators) == 0 {
		l.wrong("operators", "missing: without operators nothing is ever charged; list their endpoints, such as PJSIP/agent*")
	}
	l.checkGlobs("operators", c.Operators)
	l.checkTariffs(c)
	l.checkServices(c)
	if c.Callers.CountryCode != "" && !countryCode.MatchString(c.Callers.CountryCode) {
		l.wrong("callers.country_code", "%q is not a country code such as 39", c.Callers.CountryCode)
	}
	l.checkExemption(c.Exemption)
	l.checkLaw(c)
	if c.Ledger.File == "" {
		l.wrong("ledger.file", "missing: the path of the file in which records and evidence are kept")
	}
	if m := c.Ledger.KeepMonths; m < 1 || m > maxKeepMonths {
		l.wrong("ledger.keep_months", "%d is not from 1 to %d", m, maxKeepMonths)
	}
	if e := c.Ledger.SealEvery; e < minSealEvery || e > maxSealEvery {
		l.wrong("ledger.seal_every", "%s is not from %s to %s", e, minSealEvery, maxSealEvery)
	}
	if _, _, err := net.SplitHostPort(c.Admin.Listen); err != nil {
		l.wrong("admin.listen", "%q is not an address such as 127.0.0.1:9108", c.Admin.Listen)
	} else if host, _, _ := net.SplitHostPort(c.Admin.Listen); !loopback(host) {
		l.wrong("admin.listen", "%q is not on loopback: health and metrics are not for the network", c.Admin.Listen)
	}
	if c.Log.Format != "json" && c.Log.Format != "console" {
		l.wrong("log.format", "%q is neither json nor console", c.Log.Format)
	}
	if c.Log.Level != "debug" && c.Log.Level != "info" && c.Log.Level != "warn" && c.Log.Level != "error" {
		l.wrong("log.level", "%q is none of debug, info, warn, error", c.Log.Level)
	}
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (l *loader) checkPBX(c *Config) {
	if len(c.PBX) == 0 {
		l.wrong("pbx", "missing: the address and user of at least one Asterisk")
	}
	seen := map[string]bool{}
	for i, p := range c.PBX {
		key := fmt.Sprintf("pbx[%d]", i)
		u, err := url.Parse(p.URL)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			l.wrong(key+".url", "%q is not an address such as http://127.0.0.1:8088/ari", p.URL)
		} else if u.User != nil {
			l.wrong(key+".url", "holds a user or a password: use username and password_file")
		}
		if err == nil && u.Scheme == "http" && u.Host != "" && !loopback(u.Hostname()) {
			l.wrong(key+".url", "%q goes over the network in clear, password and all: use https, or an Asterisk on this machine", p.URL)
		}
		if p.CAFile != "" && err == nil && u.Scheme != "https" {
			l.wrong(key+".ca_file", "has no use without an https url")
		}
		l.checkListen(key+".listen", p.Listen)
		if p.Username == "" {
			l.wrong(key+".username", "missing: the user of ari.conf")
		}
		if !applicationName.MatchString(p.Application) {
			l.wrong(key+".application", "%q is not a name of letters, digits, dots, dashes and underscores", p.Application)
		}
		if seen[p.URL] {
			l.wrong(key+".url", "%s is listed twice", p.URL)
		}
		seen[p.URL] = true
	}
}

func (l *loader) checkListen(key string, in Listen) {
	if in.Address == "" {
		if in != (Listen{}) {
			l.wrong(key+".address", "missing: where the PBX connects to, such as 127.0.0.1:8787")
		}
		return
	}
	host, _, err := net.SplitHostPort(in.Address)
	if err != nil {
		l.wrong(key+".address", "%q is not an address such as 127.0.0.1:8787", in.Address)
		return
	}
	if (in.CertFile == "") != (in.KeyFile == "") {
		l.wrong(key+".cert_file", "cert_file and key_file belong together")
	}
	if in.CertFile == "" && !loopback(host) {
		l.wrong(key+".address", "%q is not on loopback: give a certificate (cert_file, key_file), or calls and password cross the network in clear", in.Address)
	}
}

func (l *loader) checkGlobs(key string, patterns []string) {
	for i, p := range patterns {
		if _, err := mediation.NewGlobs(p); err != nil {
			l.wrong(fmt.Sprintf("%s[%d]", key, i), "%v", err)
		}
	}
}

func (l *loader) checkTariffs(c *Config) {
	firstOf := map[string]string{}
	books := map[string][]tariff.Dated{}
	for i, t := range c.Tariffs {
		key := fmt.Sprintf("tariffs[%d]", i)
		d, errs := t.dated()
		if err := t.Price().Validate(); err != nil {
			errs = append(errs, unjoin(err)...)
		}
		for _, e := range errs {
			field, what, _ := strings.Cut(e.Error(), ": ")
			l.wrong(key+"."+field, "%s", what)
		}
		if len(errs) > 0 {
			continue
		}
		if books[t.Name] == nil {
			firstOf[t.Name] = key
		}
		books[t.Name] = append(books[t.Name], d)
	}
	for _, t := range c.Tariffs { // gaps and overlaps can be told only of all of a name
		key, ok := firstOf[t.Name]
		if _, err := tariff.NewBook(books[t.Name]); ok && err != nil {
			l.wrong(key, "%q %v", t.Name, strings.ReplaceAll(err.Error(), "\n", "; "))
		}
		delete(firstOf, t.Name)
	}
}

func (l *loader) checkServices(c *Config) {
	if len(c.Services) == 0 {
		l.wrong("services", "missing: the dialled number and dialplan context of at least one metered service")
	}
	tariffs := map[string]bool{}
	for _, t := range c.Tariffs {
		tariffs[t.Name] = true
	}
	seen := map[string]bool{}
	priced := map[string]string{}
	for i, s := range c.Services {
		key := fmt.Sprintf("services[%d]", i)
		if s.Number == "" {
			l.wrong(key+".number", "missing: the extension that the caller dials")
		}
		if s.Context == "" {
			l.wrong(key+".context", "missing: the dialplan context in which the call comes in")
		}
		if s.Tariff != "" && !tariffs[s.Tariff] {
			l.wrong(key+".tariff", "%q is not the name of a tariff", s.Tariff)
		}
		if other, ok := priced[s.Name]; ok && other != s.Tariff {
			l.wrong(key+".tariff", "service %q has another tariff above: %q; one name, one price", s.Name, other)
		}
		priced[s.Name] = s.Tariff
		l.checkGlobs(key+".callers", s.Callers)
		if at := s.Number + "@" + s.Context; seen[at] {
			l.wrong(key, "%s is listed twice", at)
		} else {
			seen[at] = true
		}
	}
}

func unjoin(err error) []error {
	var many interface{ Unwrap() []error }
	if errors.As(err, &many) {
		return many.Unwrap()
	}
	return []error{err}
}
