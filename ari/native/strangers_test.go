package native

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// refusedOnes counts what a ListenObserver is told.
type refusedOnes struct{ logins, failed chan string }

func newRefusedOnes() refusedOnes {
	return refusedOnes{make(chan string, 1000), make(chan string, 1000)}
}

func (r refusedOnes) LoginRefused(address string) { r.logins <- address }
func (r refusedOnes) ListenerFailed(text string)  { r.failed <- text }

// listening is a server, and its address.
func listening(t *testing.T, conf *tls.Config) (s *server, seen refusedOnes, address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	seen = newRefusedOnes()
	s = newServer(Listen{Listener: l, TLS: conf, Username: "asterisk", Password: "secret"}, seen)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil && !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	})
	return s, seen, l.Addr().String()
}

func connect(t *testing.T, address string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() }) // the test's own end
	return c
}

func request(t *testing.T, c net.Conn, password string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, "http://gateway/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth("asterisk", password)
	if err := r.Write(c); err != nil {
		t.Fatal(err)
	}
}

// A refused client is reported, and its connection is closed: it holds no place.
func TestARefusedLoginIsClosedAtOnce(t *testing.T) {
	_, seen, address := listening(t, nil)
	for _, password := range []string{"", "wrong"} {
		c := connect(t, address)
		request(t, c, password)
		if err := c.SetReadDeadline(time.Now().Add(headerTimeout / 2)); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || resp.StatusCode != http.StatusUnauthorized || !resp.Close {
			t.Fatalf("%q: %+v, %v; want 401 and the end of the connection", password, resp, err)
		}
		if _, err := io.Copy(io.Discard, c); err != nil {
			t.Errorf("%q: the connection stays open: %v", password, err)
		}
		if from := <-seen.logins; !strings.HasPrefix(from, "127.0.0.1:") {
			t.Errorf("refused was %q", from)
		}
	}
}

// Whoever only connects, in whatever number, keeps nobody out who knows the password.
func TestStrangersKeepNobodyOut(t *testing.T) {
	s, _, address := listening(t, nil)
	first := connect(t, address)
	for range 3 * maxStrangers {
		connect(t, address)
	}
	if err := first.SetReadDeadline(time.Now().Add(headerTimeout / 2)); err != nil {
		t.Fatal(err)
	}
	if _, err := first.Read(make([]byte, 1)); !errors.Is(err, io.EOF) && !isReset(err) {
		t.Errorf("the oldest stranger is still connected: %v", err)
	}
	request(t, connect(t, address), "secret")
	ctx, cancel := context.WithTimeout(t.Context(), headerTimeout/2)
	defer cancel()
	o, err := s.next(ctx)
	if err != nil {
		t.Fatalf("the one who knows the password: %v", err)
	}
	for range 3 * maxStrangers { // nor do they close the connection of one who was let in
		connect(t, address)
	}
	o.refuse()
}

func isReset(err error) bool { return err != nil && strings.Contains(err.Error(), "reset") }

// A connection that is no TLS is reported.
func TestTLSErrorsAreReported(t *testing.T) {
	_, seen, address := listening(t, &tls.Config{MinVersion: tls.VersionTLS12})
	c := connect(t, address)
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	select {
	case text := <-seen.failed:
		if !strings.Contains(text, "TLS handshake error") {
			t.Errorf("reported was %q", text)
		}
	case <-time.After(headerTimeout):
		t.Error("nothing was reported")
	}
}
