package config

import "net/url"

// checkNATSAddress reports an address that is none, holds a secret, or would send what in clear.
func (l *loader) checkNATSAddress(key, address, what string) (ok bool) {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "nats" && u.Scheme != "tls":
		l.problem(key, "is not an address such as tls://nats.example:4222")
		return false
	case u.User != nil:
		l.problem(key, "holds a user or a password: use credentials_file or token_file")
	case u.Scheme == "nats" && !loopback(u.Hostname()):
		l.problem(key, "sends %s over the network unencrypted: use tls", what)
	}
	return true
}
