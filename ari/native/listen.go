package native

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"errors"
	"fmt"
	"log" //nolint:depguard // net/http takes no other logger; what it says goes to the observer
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// Listen is where Asterisk connects to the gateway (websocket_client.conf, 22.5 and later), rather
// than the gateway to it. While the gateway is away Asterisk keeps its events, in its memory.
type Listen struct {
	Listener net.Listener
	TLS      *tls.Config // nil: none, on loopback only
	Username string      // which Asterisk must present
	Password string
}

// The bounds of the listener: one PBX connects, and again when its last connection broke.
const (
	// maxStrangers is more than connect within the milliseconds in which a PBX shows its password.
	maxStrangers   = 64
	headerTimeout  = 5 * time.Second // for the TLS handshake, and for a request
	maxHeader      = 8 << 10
	closeTimeout   = 2 * time.Second  // for Asterisk to end its side (measured: 1 to 2 ms)
	connectTimeout = 30 * time.Second // after which a PBX that has not connected is logged
)

// offer is a connection that Asterisk wants to open. Asterisk sends what it has kept as soon as the
// connection is upgraded, and keeps it no longer; a refused offer loses nothing.
type offer struct {
	upgrade chan bool         // whether to upgrade it; the session sends once
	result  chan outboundConn // closed without a connection where upgrading failed
}

// outboundConn is one connection that Asterisk has opened.
type outboundConn struct {
	ws    *websocket.Conn
	paced *pacedConn    // below it
	done  chan struct{} // closed when the session no longer uses it
	// closeWrite ends the gateway's side: Asterisk then ends its own, after everything it has written.
	closeWrite func() error
}

// server accepts Asterisk's connections, one at a time.
type server struct {
	cfg    Listen
	obs    ListenObserver
	http   http.Server
	offers chan offer
	conns  sync.Map // remote address -> net.Conn
	quit   chan struct{}
}

// ListenObserver is told who was kept out. Its methods must return at once.
type ListenObserver interface {
	// LoginRefused: a client at this address showed no user and password, or wrong ones.
	LoginRefused(address string)
	// ListenerFailed: a connection ended before its request, such as by a TLS error.
	ListenerFailed(text string)
}

func newServer(l Listen, obs ListenObserver) *server {
	s := &server{cfg: l, obs: obs, offers: make(chan offer), quit: make(chan struct{})}
	s.http = http.Server{
		Handler: s, ReadHeaderTimeout: headerTimeout, MaxHeaderBytes: maxHeader,
		IdleTimeout: headerTimeout, ErrorLog: log.New(failures{obs}, "", 0),
		ConnState: func(c net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				s.conns.Store(c.RemoteAddr().String(), c)
			case http.StateClosed:
				s.conns.Delete(c.RemoteAddr().String())
			default:
			}
		},
	}
	return s
}

// failures passes what the HTTP server logs to the observer.
type failures struct{ obs ListenObserver }

// Write implements io.Writer.
func (f failures) Write(line []byte) (int, error) {
	f.obs.ListenerFailed(strings.TrimSpace(string(line)))
	return len(line), nil
}

// run serves until ctx ends.
func (s *server) run(ctx context.Context) error {
	l := net.Listener(newStrangers(s.cfg.Listener, maxStrangers))
	if s.cfg.TLS != nil {
		l = tls.NewListener(l, s.cfg.TLS)
	}
	done := make(chan error, 1)
	go func() { done <- s.http.Serve(l) }()
	<-ctx.Done()
	close(s.quit)
	err := s.http.Close()
	if served := <-done; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// ServeHTTP upgrades one connection and keeps it until the session no longer uses it.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.authenticated(r) {
		s.obs.LoginRefused(r.RemoteAddr)
		w.Header().Set("WWW-Authenticate", `Basic realm="risposta"`)
		w.Header().Set("Connection", "close")
		http.Error(w, "unknown user or password", http.StatusUnauthorized)
		return
	}
	raw, ok := s.conns.Load(r.RemoteAddr)
	if !ok {
		http.Error(w, "unknown connection", http.StatusInternalServerError)
		return
	}
	defer s.conns.Delete(r.RemoteAddr)
	paced, err := noLongerStrange(raw)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	o := offer{upgrade: make(chan bool, 1), result: make(chan outboundConn, 1)}
	defer close(o.result)
	select {
	case s.offers <- o:
	case <-s.quit:
		return
	case <-r.Context().Done():
		return
	}
	if upgrade := <-o.upgrade; !upgrade {
		w.Header().Set("Connection", "close") // this connection is known no longer
		http.Error(w, "the gateway cannot take the connection now", http.StatusServiceUnavailable)
		return
	}
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		Subprotocols: []string{"ari"}, CompressionMode: websocket.CompressionDisabled,
	})
	if err != nil {
		return // Accept has answered the request
	}
	ws.SetReadLimit(-1) // read has its own limit, which does not cost the connection
	conn := outboundConn{
		ws: ws, paced: paced, done: make(chan struct{}),
		closeWrite: func() error { return closeWrite(raw) },
	}
	o.result <- conn
	<-conn.done
	_ = ws.CloseNow() // it may be closed already
}

// authenticated compares in constant time, whatever was presented.
func (s *server) authenticated(r *http.Request) bool {
	user, password, _ := r.BasicAuth()
	same := func(a, b string) int {
		x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
		return subtle.ConstantTimeCompare(x[:], y[:])
	}
	return same(user, s.cfg.Username)&same(password, s.cfg.Password) == 1
}

func closeWrite(conn any) error {
	c, ok := conn.(interface{ CloseWrite() error })
	if !ok {
		return fmt.Errorf("a %T cannot be closed on one side", conn)
	}
	return c.CloseWrite()
}

// next waits for Asterisk to offer a connection. The session then answers it by upgrade or refuse.
func (s *server) next(ctx context.Context) (offer, error) {
	select {
	case o := <-s.offers:
		return o, nil
	case <-ctx.Done():
		return offer{}, ctx.Err()
	case <-time.After(connectTimeout):
		return offer{}, fmt.Errorf(
			"no Asterisk has connected to %s for %s: compare websocket_client.conf with `listen`",
			s.cfg.Listener.Addr(), connectTimeout)
	}
}

func (o offer) refuse() { o.upgrade <- false }

func (o offer) take() (outboundConn, error) {
	o.upgrade <- true
	conn, ok := <-o.result
	if !ok {
		return conn, errors.New("the connection of Asterisk ended before it was taken")
	}
	return conn, nil
}
