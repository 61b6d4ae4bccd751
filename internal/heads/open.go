package heads

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/url"
	"strings"
)

// Config is a second place as it is configured.
type Config struct {
	// To is its address: file:/path, https://host/path (http on loopback), syslog+tls://host:port,
	// syslog+tcp://host:port or syslog+udp://host:port.
	To    string
	Token string         // the bearer token of an https place; "": none
	CA    *x509.CertPool // the issuers of its certificate; nil: those that the machine trusts
}

// Open makes the place. It connects with the first head.
func Open(c Config) (Place, error) {
	u, err := ParseAddress(c.To)
	if err != nil {
		return nil, err
	}
	switch u.Scheme {
	case "file":
		return file(u.Path), nil
	case "http", "https":
		return newCollector(*u, c.Token, c.CA), nil
	}
	return newSyslog(strings.TrimPrefix(u.Scheme, "syslog+"), u.Host,
		&tls.Config{RootCAs: c.CA, MinVersion: tls.VersionTLS12, ServerName: u.Hostname()}), nil
}

// ParseAddress reads the address of a place. Its error does not quote the address, which may hold a
// secret.
func ParseAddress(to string) (*url.URL, error) {
	u, err := url.Parse(to)
	if err != nil {
		return nil, fmt.Errorf("is not %s", addresses)
	}
	ok := false
	switch u.Scheme {
	case "file":
		ok = u.Host == "" && strings.HasPrefix(u.Path, "/") && u.RawQuery == "" && u.Fragment == ""
	case "http", "https":
		ok = u.Host != ""
	case "syslog+tls", "syslog+tcp", "syslog+udp":
		ok = u.Hostname() != "" && u.Port() != "" && strings.Trim(u.Path, "/") == "" && u.RawQuery == ""
	}
	switch {
	case u.User != nil:
		return nil, fmt.Errorf("holds a user or a password: use token_file")
	case !ok:
		return nil, fmt.Errorf("is not %s", addresses)
	}
	return u, nil
}

const addresses = "an address such as file:/mnt/other/heads, https://collector.example/heads or " +
	"syslog+tls://collector.example:6514 (or syslog+tcp, syslog+udp)"
