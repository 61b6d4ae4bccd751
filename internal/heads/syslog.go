package heads

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"
)

// syslog is a collector by RFC 5424: over TLS (RFC 5425) and TCP with the length in front of the
// message (RFC 6587), over UDP a datagram (RFC 5426).
type syslog struct {
	network string // udp, tcp, tls
	address string
	tls     *tls.Config
	host    string // of this machine
}

const (
	// auditNotice is the priority: facility 13, log audit; severity 5, notice.
	auditNotice = 13*8 + 5
	// maxHost is the length of the longest host name in a message.
	maxHost = 255
	// answerTimeout bounds the wait for the collector to end the connection, or to refuse it.
	answerTimeout = 2 * time.Second
)

func newSyslog(network, address string, conf *tls.Config) *syslog {
	host, err := os.Hostname()
	if err != nil {
		host = ""
	}
	return &syslog{network: network, address: address, tls: conf, host: host}
}

// String implements Place.
func (s *syslog) String() string { return "syslog+" + s.network + "://" + s.address }

// Newest implements Place: syslog has no question.
func (s *syslog) Newest(context.Context) ([]byte, error) { return nil, ErrWriteOnly }

// Keep implements Place. Syslog confirms nothing: that the collector took the connection, and did not
// reset it, is all that can be known. Over UDP not even that is.
func (s *syslog) Keep(ctx context.Context, line []byte) error {
	if err := s.send(ctx, s.message(line, time.Now())); err != nil {
		return fmt.Errorf("sending a signed head to %s: %w", s, err)
	}
	return nil
}

// message is a line by RFC 5424: priority and version, instant, host, program, process, kind, no
// structured data, text.
func (s *syslog) message(line []byte, at time.Time) []byte {
	return fmt.Appendf(nil, "<%d>1 %s %s risposta %d %s - %s",
		auditNotice, at.UTC().Format("2006-01-02T15:04:05.000Z"), printableASCII(s.host), os.Getpid(),
		Event, line)
}

// printableASCII is a text as a field of the header may have it, "-" for none.
func printableASCII(text string) string {
	text = strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return -1
		}
		return r
	}, text)
	if text == "" {
		return "-"
	}
	return text[:min(len(text), maxHost)]
}

func (s *syslog) send(ctx context.Context, message []byte) (err error) {
	conn, err := s.dial(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := conn.Close(); err == nil && !errors.Is(cerr, net.ErrClosed) {
			err = cerr
		}
	}()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return err
		}
	}
	if s.network == "udp" {
		_, err = conn.Write(message)
		return err
	}
	if _, err = fmt.Fprintf(conn, "%d %s", len(message), message); err != nil {
		return err
	}
	return ended(conn)
}

func (s *syslog) dial(ctx context.Context) (net.Conn, error) {
	if s.network == "tls" {
		return (&tls.Dialer{Config: s.tls}).DialContext(ctx, "tcp", s.address)
	}
	return new(net.Dialer).DialContext(ctx, s.network, s.address)
}

// ended ends our side and waits shortly for the collector's: one that refuses the connection, such as
// by a TLS alert, does so only now. One that keeps it open has taken the message, as far as is known.
func ended(conn net.Conn) error {
	if half, ok := conn.(interface{ CloseWrite() error }); ok {
		if err := half.CloseWrite(); err != nil {
			return err
		}
	}
	if err := conn.SetReadDeadline(time.Now().Add(answerTimeout)); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, conn)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	return err
}
