package heads

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/leodido/go-syslog/v4/rfc5424"

	"github.com/risposta/gateway/metering/ledger/merkle"
)

// note is a head with what notes have: newlines, and a dash that is no ASCII.
const note = "go.sum database tree\n3\nAAAA\n\n\u2014 risposta-ledger AbCd+/==\n"

func line(t *testing.T) []byte {
	t.Helper()
	text, err := NewLine(merkle.Head{Note: []byte(note)}, time.Date(2026, 11, 27, 10, 0, 0, 5e6, time.UTC)).Text()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func place(t *testing.T, c Config) Place {
	t.Helper()
	p, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestLineIsThatOfTheLogInASCII(t *testing.T) {
	const want = `{"level":"info","ts":"2026-11-27T10:00:00.005Z","event":"ledger.signed","leaves":0,` +
		`"root":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","head":"go.sum database tree\n3\nAAAA\n\n` +
		`\u2014 risposta-ledger AbCd+/==\n"}`
	if got := string(line(t)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// Lines are read as collectors write them.
func TestReadHeads(t *testing.T) {
	one := string(line(t))
	for name, text := range map[string]string{
		"the head itself": note,
		"the log":         `{"event":"gateway.started"}` + "\n" + one + "\n",
		"RFC 5424":        "<109>1 2026-11-27T10:00:00Z gw risposta 7 ledger.signed - " + one + "\n",
		"rsyslog's file":  "Nov 27 10:00:00 gw risposta[7]: " + one + "\nNov 27 10:00:01 gw other: {x}\n",
		"cut short":       one + "\n" + one[:len(one)-20],
		"trailing text":   one + " (end)\n",
	} {
		got, err := Read([]byte(text))
		if err != nil || len(got) != 1 || string(got[0]) != note {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for _, text := range []string{"", "\n", `{"event":"gateway.started"}`} {
		if got, err := Read([]byte(text)); err == nil {
			t.Errorf("%q: %q", text, got)
		}
	}
}

func TestHeadsInAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "heads")
	p := place(t, Config{To: "file:" + path})
	if got, err := p.Newest(t.Context()); got != nil || err != nil {
		t.Errorf("without a file: %q, %v", got, err)
	}
	if err := os.WriteFile(path, append(bytes.Repeat([]byte("{}\n"), tailBytes), line(t)[:50]...), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := p.Keep(t.Context(), line(t)); err != nil { // behind a line that was cut short
		t.Fatal(err)
	}
	if got, err := p.Newest(t.Context()); string(got) != note || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	missing := place(t, Config{To: "file:" + path + "/none/heads"})
	if err := missing.Keep(t.Context(), line(t)); err == nil {
		t.Error("kept in no folder")
	}
}

func TestHeadsOverHTTP(t *testing.T) {
	var kept []byte
	status := http.StatusOK
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer token" || r.URL.Path != "/secret" {
			t.Errorf("%s %q", r.URL, r.Header)
		}
		if status != http.StatusOK {
			w.Header().Set("Location", "https://elsewhere.invalid/")
			w.WriteHeader(status)
			return
		}
		switch r.Method {
		case http.MethodPost:
			body, err := io.ReadAll(r.Body)
			if err != nil || r.Header.Get("Content-Type") != "application/json" {
				t.Errorf("%q, %v", r.Header, err)
			}
			kept = body
		case http.MethodGet:
			fmt.Fprintf(w, "%s\n", kept)
		}
	}))
	defer server.Close()
	ca := x509.NewCertPool()
	ca.AddCert(server.Certificate())
	p := place(t, Config{To: server.URL + "/secret", Token: "token", CA: ca})
	if got, err := p.Newest(t.Context()); got != nil || err != nil {
		t.Errorf("of nothing: %q, %v", got, err)
	}
	if err := p.Keep(t.Context(), line(t)); err != nil || !bytes.Equal(kept, line(t)) {
		t.Errorf("kept %q, %v", kept, err)
	}
	if got, err := p.Newest(t.Context()); string(got) != note || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	for _, status = range []int{301, 307, 400, 401, 403, 404, 405, 429, 500, 501, 503} {
		err := p.Keep(t.Context(), line(t))
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%d: %v", status, err)
		}
		_, err = p.Newest(t.Context())
		again := status == 429 || status == 500 || status == 503
		if again != (err != nil && !errors.Is(err, ErrWriteOnly)) {
			t.Errorf("%d: %v; is it asked again: %v", status, err, again)
		}
	}
	stranger := place(t, Config{To: server.URL + "/secret?key=secret", Token: "secret"})
	if err := stranger.Keep(t.Context(), line(t)); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("under an authority that nobody trusts: %v", err)
	}
}

// wantMessage reads a message with an RFC 5424 parser that is not ours.
func wantMessage(t *testing.T, text []byte) {
	t.Helper()
	m, err := rfc5424.NewParser().Parse(text)
	if err != nil {
		t.Fatalf("%v: %q", err, text)
	}
	got, ok := m.(*rfc5424.SyslogMessage)
	if !ok || *got.Facility != 13 || *got.Severity != 5 || *got.Appname != "risposta" || *got.MsgID != Event ||
		got.StructuredData != nil || *got.Message != string(line(t)) || time.Since(*got.Timestamp) > time.Minute {
		t.Errorf("the message is %q", text)
	}
}

func TestHeadsOverSyslogDatagrams(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }() // nothing was written to it
	p := place(t, Config{To: "syslog+udp://" + conn.LocalAddr().String()})
	if err := p.Keep(t.Context(), line(t)); err != nil {
		t.Fatal(err)
	}
	text := make([]byte, 2048)
	n, _, err := conn.ReadFrom(text)
	if err != nil {
		t.Fatal(err)
	}
	wantMessage(t, text[:n])
	if _, err := p.Newest(t.Context()); !errors.Is(err, ErrWriteOnly) {
		t.Errorf("read back: %v", err)
	}
}

// accepted is what a collector reads of one connection.
func accepted(t *testing.T, l net.Listener) chan string {
	t.Helper()
	t.Cleanup(func() { _ = l.Close() }) // no more connections are expected
	got := make(chan string, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			got <- err.Error()
			return
		}
		text, err := io.ReadAll(conn)
		if err = errors.Join(err, conn.Close()); err != nil {
			text = []byte(err.Error())
		}
		got <- string(text)
	}()
	return got
}

func TestHeadsOverSyslogStreams(t *testing.T) {
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(nil)
	server.StartTLS()
	cert, ca := server.TLS.Certificates[0], x509.NewCertPool()
	ca.AddCert(server.Certificate())
	server.Close()
	secret, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}})
	if err != nil {
		t.Fatal(err)
	}
	for scheme, l := range map[string]net.Listener{"syslog+tcp": plain, "syslog+tls": secret} {
		got := accepted(t, l)
		p := place(t, Config{To: scheme + "://" + l.Addr().String(), CA: ca})
		if err := p.Keep(t.Context(), line(t)); err != nil {
			t.Fatalf("%s: %v", scheme, err)
		}
		length, message, _ := strings.Cut(<-got, " ")
		if length != fmt.Sprint(len(message)) {
			t.Errorf("%s: a message of %d bytes says %s", scheme, len(message), length)
		}
		wantMessage(t, []byte(message))
	}
}

// A collector whose certificate nobody trusts, and one that is away, keep nothing.
func TestSyslogThatIsNotKept(t *testing.T) {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	address := server.Listener.Addr().String()
	if err := place(t, Config{To: "syslog+tls://" + address}).Keep(t.Context(), line(t)); err == nil {
		t.Error("kept behind a certificate that nobody trusts")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := place(t, Config{To: "syslog+tcp://" + l.Addr().String()}).Keep(t.Context(), line(t)); err == nil {
		t.Error("kept by nobody")
	}
}

func TestAddressesOfPlaces(t *testing.T) {
	for to, ok := range map[string]bool{
		"file:/mnt/heads": true, "file:///mnt/heads": true, "https://c.example/heads?a=b": true,
		"syslog+tls://c.example:6514": true, "syslog+udp://[::1]:514": true, "syslog+tcp://c:601/": true,
		"": false, "/mnt/heads": false, "file:heads": false, "file://host/mnt": false, "https:///x": false,
		"syslog://c:514": false, "syslog+tls://c": false, "syslog+tls://c:1/secret": false, "ftp://c/": false,
		"https://anna:secret@c.example/": false, "https://c.example/%zzsecret": false, "syslog+udp://:514": false,
	} {
		p, err := Open(Config{To: to})
		if (err == nil) != ok {
			t.Errorf("%q: %v", to, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") || err == nil && strings.Contains(p.String(), "a=b") {
			t.Errorf("%q: a secret in %v, %v", to, p, err)
		}
	}
}
