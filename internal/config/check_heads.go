package config

import (
	"fmt"

	"github.com/risposta/gateway/internal/heads"
)

// checkHeads quotes no address: it may hold a secret.
func (l *loader) checkHeads(places []HeadPlace) {
	seen := map[string]bool{}
	for i, p := range places {
		key := fmt.Sprintf("ledger.heads[%d]", i)
		u, err := heads.ParseAddress(p.To)
		if err != nil {
			l.problem(key+".to", "%v", err)
			continue
		}
		place, err := heads.Open(heads.Config{To: p.To})
		if err != nil {
			l.problem(key+".to", "%v", err)
			continue
		}
		if name := place.String(); seen[name] {
			l.problem(key+".to", "%s is listed twice", name)
		} else {
			seen[name] = true
		}
		web := u.Scheme == "http" || u.Scheme == "https"
		if u.Scheme == "http" && !loopback(u.Hostname()) {
			l.problem(key+".to", "sends the token over the network unencrypted: use https")
		}
		if p.CAFile != "" && u.Scheme != "https" && u.Scheme != "syslog+tls" {
			l.problem(key+".ca_file", "is for an https or syslog+tls address only")
		}
		if !web && (p.TokenFile != "" || !p.Token.Empty()) {
			l.problem(key+".token_file", "is for an https address only")
		}
	}
}
