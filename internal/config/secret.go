package config

import (
	"fmt"
	"strings"
)

// Secret prints as [secret] with every verb.
type Secret struct{ value string }

// NewSecret wraps a secret.
func NewSecret(value string) Secret { return Secret{value} }

// Reveal returns the secret. Do not print it.
func (s Secret) Reveal() string { return s.value }

// Empty says that there is none.
func (s Secret) Empty() bool { return s.value == "" }

// String hides the secret.
func (Secret) String() string { return "[secret]" }

// Format hides the secret from every verb: without it %d would show it.
func (s Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, s.String()) }

// MarshalText hides the secret from every encoder.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// secrets reads the secrets that a command needs, and removes all others.
func (l *loader) secrets(c *Config, needs Needs) {
	for i := range c.PBX {
		p := &c.PBX[i]
		if needs < AllSecrets {
			p.Password, p.Listen.Password = Secret{}, Secret{}
			continue
		}
		l.pbxSecrets(i, p)
	}
	if needs < AllSecrets {
		c.NATS.Token, c.NATS.Password = Secret{}, Secret{}
	} else {
		l.natsSecret(c)
	}
	switch p := &c.Ledger.Postgres; {
	case needs == AdminPassword:
		p.DSN = Secret{}
	case p.given():
		l.secret("ledger.postgres.dsn", &p.DSN, p.DSNFile)
	}
	for i := range c.Ledger.Heads {
		h := &c.Ledger.Heads[i]
		switch {
		case needs < AllSecrets:
			h.Token = Secret{}
		case h.TokenFile != "":
			l.secret(fmt.Sprintf("ledger.heads[%d].token", i), &h.Token, h.TokenFile)
		}
	}
	l.deliverySecrets(c, needs)
	switch {
	case needs != AdminPassword && needs < AllSecrets:
		c.Admin.Password = Secret{}
	case c.Admin.askPassword():
		l.secret("admin.password", &c.Admin.Password, c.Admin.PasswordFile)
	}
	sql, http := &c.Exemption.SQL, &c.Exemption.HTTP
	if needs < CallersKey {
		c.Callers.Key, sql.DSN, http.Token = Secret{}, Secret{}, Secret{}
		return
	}
	if sql.Query != "" {
		l.secret("exemption.sql.dsn", &sql.DSN, sql.DSNFile)
	}
	if http.TokenFile != "" {
		l.secret("exemption.http.token", &http.Token, http.TokenFile)
	}
	l.secret("callers.key", &c.Callers.Key, c.Callers.KeyFile)
	if !c.Callers.Key.Empty() {
		if _, err := c.Pseudonyms(); err != nil {
			l.outside("callers.key", "%v", strings.TrimPrefix(err.Error(), "callers.key: "))
		}
	}
}

// pbxSecrets reads the secrets of a PBX.
func (l *loader) pbxSecrets(i int, p *PBX) {
	if p.Listen.Address != "" {
		l.secret(fmt.Sprintf("pbx[%d].listen.password", i), &p.Listen.Password, p.Listen.PasswordFile)
	}
	l.secret(fmt.Sprintf("pbx[%d].password", i), &p.Password, p.PasswordFile)
}

// secret reads a secret from its file, where the environment has not given it.
func (l *loader) secret(key string, s *Secret, file string) {
	if !s.Empty() {
		return
	}
	if file == "" {
		l.outside(key, "missing: set %s, or %s_file to the path of a file that holds it",
			envName(key), last(key))
		return
	}
	text, err := l.readFile(file)
	if err != nil {
		l.outside(key+"_file", "can't be read: %v", err)
		return
	}
	if s.value = strings.TrimSpace(string(text)); s.Empty() {
		l.outside(key+"_file", "%s is empty", file)
	}
}
