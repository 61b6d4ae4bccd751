package cluster

import (
	"context"
	"errors"
	"net"
	"net/url"
	"strings"
)

// reach looks whether one of the servers listens.
func reach(ctx context.Context, servers []*url.URL) error {
	var errs []error
	for _, u := range servers {
		conn, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "tcp", hostPort(u))
		if err == nil {
			_ = conn.Close() // it was opened to see whether one listens
			return nil
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// user is the user of an address; nil: none.
func (c *ControlConfig) user() *url.Userinfo {
	switch {
	case c.Username != "":
		return url.UserPassword(c.Username, c.Password)
	case c.Token != "":
		return url.User(c.Token)
	}
	return nil
}

const defaultPort = "4222"

func hostPort(u *url.URL) string {
	if u.Port() == "" {
		return net.JoinHostPort(u.Hostname(), defaultPort)
	}
	return u.Host
}

// connectURI is the servers' addresses as ari-proxy's client takes them. It knows a text that begins
// with nats:// only, and passes it on to nats.go, which uses TLS for all addresses of a list where one
// of them is tls://.
func connectURI(servers []*url.URL, user *url.Userinfo) string {
	var all []string
	login, secure := "", ""
	if user != nil {
		login = escaped(user) + "@"
	}
	for _, u := range servers {
		all = append(all, "nats://"+login+hostPort(u))
		if u.Scheme == "tls" {
			secure = "tls://" + login + hostPort(u)
		}
	}
	if secure != "" {
		all = append(all, secure)
	}
	return strings.Join(all, ",")
}

// escaped is a user as a part of an address in a list, whose separator net/url lets through.
func escaped(user *url.Userinfo) string { return strings.ReplaceAll(user.String(), ",", "%2C") }

// withoutSecret is the text of an error, which may hold the address with a token or a password.
func withoutSecret(err error, user *url.Userinfo) string {
	text := err.Error()
	if user != nil && strings.Contains(text, escaped(user)) {
		return "the server refuses, or cannot be reached"
	}
	return text
}
