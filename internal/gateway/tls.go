package gateway

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/native"
	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/internal/mediation"
)

// access is how a PBX is reached.
type access struct {
	ca       *x509.CertPool // the authorities of its https; nil: those of the machine
	listener net.Listener   // where it connects to the gateway; nil: the gateway connects to it
	tls      *tls.Config
}

// openAccess reads certificates and opens the PBX's listener.
func openAccess(ctx context.Context, p config.PBX) (a access, err error) {
	if p.CAFile != "" {
		if a.ca, err = Trust(p.CAFile); err != nil {
			return a, err
		}
	}
	in := p.Listen
	if in.Address == "" {
		return a, nil
	}
	if in.CertFile != "" {
		cert, err := tls.LoadX509KeyPair(in.CertFile, in.KeyFile)
		if err != nil {
			return a, fmt.Errorf("listen.cert_file, listen.key_file: %w", err)
		}
		a.tls = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	}
	if a.listener, err = new(net.ListenConfig).Listen(ctx, "tcp", in.Address); err != nil {
		return a, fmt.Errorf("listening on listen.address: %w", err)
	}
	return a, nil
}

// OpenPBX is how a PBX is reached for its events alone. Where the PBX connects, the listener is open.
func OpenPBX(ctx context.Context, p config.PBX, operators []string) (native.Config, error) {
	a, err := openAccess(ctx, p)
	if err != nil {
		return native.Config{}, fmt.Errorf("PBX %s: %w", p.Name, err)
	}
	globs, err := mediation.NewGlobs(operators...)
	if err != nil {
		return native.Config{}, fmt.Errorf("operators: %w", err)
	}
	conf := native.Config{
		URL: p.URL, Username: p.Username, Password: p.Password.Reveal(), Application: p.Application,
		CA: a.ca, MayCall: func(c ari.Channel) bool { return !globs.Match(c.Endpoint()) },
	}
	if a.listener != nil {
		conf.Listen = &native.Listen{
			Listener: a.listener, TLS: a.tls,
			Username: p.Listen.Username, Password: p.Listen.Password.Reveal(),
		}
	}
	return conf, nil
}

// trusted holds the authorities of all PBXs of the configuration: ari/v5 sends its requests through
// http.DefaultTransport and takes no other, so that trusts all of them.
var trusted = struct {
	sync.Mutex
	pool *x509.CertPool
}{}

// Trust reads the certificates of a PBX's ca_file, and makes ari/v5 trust them, too.
func Trust(file string) (*x509.CertPool, error) {
	own, pem, err := config.CertPEM(file)
	if err != nil {
		return nil, err
	}
	transport, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return nil, errors.New("ca_file: http.DefaultTransport has been replaced")
	}
	trusted.Lock()
	defer trusted.Unlock()
	if trusted.pool == nil {
		if trusted.pool, err = x509.SystemCertPool(); err != nil {
			trusted.pool = x509.NewCertPool()
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: trusted.pool, MinVersion: tls.VersionTLS12}
	}
	trusted.pool.AppendCertsFromPEM(pem)
	return own, nil
}
