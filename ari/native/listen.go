package native

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// Listen is where Asterisk connects to us (websocket_client.conf, 22.5 and later), in place of us to it. While we are away Asterisk keeps what it
// has to say, in its memory.
type Listen struct {
	Listener net.Listener
	TLS      *tls.Config // nil: none, on loopback only
	Username string      // which Asterisk must show
	Password string
	// Resume is asked when the first connection of a run comes: what the run before left behind, if that fits this PBX.
	Resume func(Info) (ResumeToken, bool)
}

// ResumeToken is what a run leaves to the next one when Asterisk took leave of it in good order.
type ResumeToken struct {
	Watermark time.Time     // the PBX's clock at its last event
	Boot      time.Duration // BootClock then
}

// The bounds of the listener: one PBX connects, and again when its last connection broke.
const (
	maxConns      = 8
	headerTimeout = 5 * time.Second
	maxHeader     = 8 << 10
	farewell      = 2 * time.Second  // how long Asterisk may take to end its side of the connection (measured: 1 to 2 ms)
	waitsLong     = 30 * time.Second // after which a PBX that has not connected is logged about
)

// arrival is one connection that Asterisk has made.
type arrival struct {
	ws   *websocket.Conn
	done chan struct{} // closed when the session is over with it
	half func() error  // ends our side of it: Asterisk then ends its own, after everything it has written
}

// server accepts Asterisk's connections, one at a time.
type server struct {
	cfg      Listen
	http     http.Server
	arrivals chan arrival
	conns    sync.Map // remote address -> net.Conn
	quit     chan struct{}
}

func newServer(l Listen) *server {
	s := &server{cfg: l, arrivals: make(chan arrival), quit: make(chan struct{})}
	s.http = http.Server{
		Handler: s, ReadHeaderTimeout: headerTimeout, MaxHeaderBytes: maxHeader,
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

// run serves until ctx ends.
func (s *server) run(ctx context.Context) error {
	l := net.Listener(newSlots(s.cfg.Listener, maxConns))
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

// ServeHTTP takes one connection in and keeps it until the session is over with it.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.knows(r) {
		w.Header().Set("WWW-Authenticate", `Basic realm="risposta"`)
		http.Error(w, "unknown user or password", http.StatusUnauthorized)
		return
	}
	raw, ok := s.conns.Load(r.RemoteAddr)
	if !ok {
		http.Error(w, "unknown connection", http.StatusInternalServerError)
		return
	}
	defer s.conns.Delete(r.RemoteAddr)
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"ari"}, CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		return // it has been answered
	}
	ws.SetReadLimit(-1) // read has its own limit, which does not cost the connection
	a := arrival{ws: ws, done: make(chan struct{}), half: func() error { return closeWrite(raw) }}
	select {
	case s.arrivals <- a:
		<-a.done
	case <-s.quit:
	case <-r.Context().Done():
	}
	_ = ws.CloseNow() // it may be closed already
}

// knows compares in constant time, whatever was shown.
func (s *server) knows(r *http.Request) bool {
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
		return fmt.Errorf("a %T can't be closed on one side", conn)
	}
	return c.CloseWrite()
}

// accept waits for Asterisk to connect.
func (s *server) accept(ctx context.Context) (arrival, error) {
	select {
	case a := <-s.arrivals:
		return a, nil
	case <-ctx.Done():
		return arrival{}, ctx.Err()
	case <-time.After(waitsLong):
		return arrival{}, fmt.Errorf("no Asterisk has connected to %s for %s: see websocket_client.conf", s.cfg.Listener.Addr(), waitsLong)
	}
}

// orderly tells whether a connection ended because the PBX ended it after all it had to say.
func orderly(err error) bool {
	return websocket.CloseStatus(err) == websocket.StatusNormalClosure || errors.Is(err, io.EOF)
}
