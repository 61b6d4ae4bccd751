package gateway

import (
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"strings"

	"go.uber.org/zap"

	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/internal/console"
)

// guard lets those through who may see what the admin port shows. Without a password it is on
// loopback, and only a browser that means this machine is answered: a page of another site could
// otherwise give its own name this address (DNS rebinding), and read what is here.
type guard struct {
	next           http.Handler
	user, password string // password "": none is asked for
	refused        func(why string, what zap.Field)
}

// Guard is what stands before an admin port: refused is told of those that it does not let through.
func Guard(
	a config.Admin, next http.Handler, refused func(why string, what zap.Field),
) http.Handler {
	return guard{next: next, user: a.Username, password: a.Password.Reveal(), refused: refused}
}

// ServeHTTP implements http.Handler.
func (g guard) ServeHTTP(resp http.ResponseWriter, req *http.Request) {
	switch {
	case g.password == "" && !local(req.Host):
		g.refused("host", zap.String("host", printableHost(req.Host)))
		http.Error(resp, "this is served to localhost alone", http.StatusMisdirectedRequest)
	case g.password != "" && !g.authenticated(req):
		host, _, err := net.SplitHostPort(req.RemoteAddr)
		if err != nil {
			host = req.RemoteAddr
		}
		g.refused("login", zap.String("from", host))
		resp.Header().Set("Connection", "close")
		console.AskForLogin(resp, req)
	default:
		g.next.ServeHTTP(resp, req)
	}
}

// authenticated compares in constant time, whatever was presented.
func (g guard) authenticated(req *http.Request) bool {
	user, password, _ := req.BasicAuth()
	same := func(a, b string) int {
		x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
		return subtle.ConstantTimeCompare(x[:], y[:])
	}
	return same(user, g.user)&same(password, g.password) == 1
}

// local reports whether a request's Host is this machine, by its address or as localhost.
func local(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.Trim(host, "[]")
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// printableHost bounds what a stranger can put into the log.
func printableHost(host string) string {
	const most = 64
	if len(host) > most {
		host = host[:most]
	}
	return host
}

// adminTLS is the TLS of the admin port; nil without a certificate.
func adminTLS(a config.Admin) (*tls.Config, error) {
	if a.CertFile == "" {
		return nil, nil
	}
	cert, err := tls.LoadX509KeyPair(a.CertFile, a.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("admin.cert_file, admin.key_file: %w", err)
	}
	return &tls.Config{
		Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12,
		NextProtos: []string{"http/1.1"}, // a page that is kept as it is now holds one connection
	}, nil
}
