package cluster

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Server is where NATS is.
type Server struct {
	URLs        []string
	CA          *x509.CertPool   // nil: those of the machine
	Certificate *tls.Certificate // nil: none is shown
	Credentials string           // the file of a user's credentials; "": none
	Username    string           // "": none
	Password    string
	Token       string // "": none
}

// TLS is how certificates are verified and shown; nil where nothing is said of it.
func (s Server) TLS() *tls.Config {
	if s.CA == nil && s.Certificate == nil {
		return nil
	}
	conf := &tls.Config{RootCAs: s.CA, MinVersion: tls.VersionTLS12}
	if s.Certificate != nil {
		conf.Certificates = []tls.Certificate{*s.Certificate}
	}
	return conf
}

// Login is how the user is known to the server. What a user is answered comes on subjects that no
// other user need be allowed to read: they have its name.
func (s Server) Login() (options []nats.Option) {
	if s.Credentials != "" {
		options = append(options, nats.UserCredentials(s.Credentials))
	}
	if s.Username != "" {
		options = append(options, nats.UserInfo(s.Username, s.Password),
			nats.CustomInboxPrefix("_INBOX."+s.Username))
	}
	if s.Token != "" {
		options = append(options, nats.Token(s.Token))
	}
	return options
}

// The timing of a connection.
const (
	connectTimeout = 5 * time.Second
	reconnectWait  = time.Second
	pingEvery      = 2 * time.Second // a server that is gone is found within two of them
)

// Events are told what becomes of a connection, on its own goroutines.
type Events struct {
	Lost    func(error) // until Back is called
	Back    func()      // and at the beginning
	Refused func(error) // the account may not use a subject
}

// Connect makes a connection that comes back by itself, as often as it is lost. What is published
// while it is lost fails.
func Connect(s Server, name string, e Events) (*nats.Conn, error) {
	options := []nats.Option{
		nats.Name(name), nats.Timeout(connectTimeout), nats.RetryOnFailedConnect(true),
		nats.MaxReconnects(-1), nats.ReconnectWait(reconnectWait), nats.ReconnectBufSize(-1),
		nats.PingInterval(pingEvery), nats.MaxPingsOutstanding(2),
		nats.ConnectHandler(func(*nats.Conn) { e.Back() }),
		nats.ReconnectHandler(func(*nats.Conn) { e.Back() }),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err == nil {
				err = errors.New("the connection was closed")
			}
			e.Lost(withoutAddress(err))
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			if errors.Is(err, nats.ErrPermissionViolation) {
				e.Refused(err)
			}
		}),
	}
	if secure := s.TLS(); secure != nil {
		options = append(options, nats.Secure(secure))
	}
	options = append(options, s.Login()...)
	conn, err := nats.Connect(strings.Join(s.URLs, ","), options...)
	if err != nil {
		return nil, fmt.Errorf("connecting to NATS: %w", withoutAddress(err))
	}
	return conn, nil
}

// withoutAddress is an error without an address, which may hold a password.
func withoutAddress(err error) error {
	if errors.Is(err, nats.ErrNoServers) || strings.Contains(err.Error(), "@") {
		return errors.New("no server of NATS can be reached")
	}
	return err
}

// Stream is the JetStream stream of the frames.
type Stream struct {
	Name     string
	Replicas int
	MaxBytes int64
	MaxAge   time.Duration
}

// window is how long the server remembers the ids of messages: a tap that was not told of an
// acknowledgement sends again within it. Its memory grows with the ids (nats-server issue 8485), and a
// reader drops what comes twice itself, so it is short.
const window = 30 * time.Second

func (s Stream) config() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: s.Name, Description: "frames of the PBXs, from risposta tap", Subjects: []string{AllSubjects},
		Retention: jetstream.LimitsPolicy, Storage: jetstream.FileStorage, Discard: jetstream.DiscardNew,
		Replicas: s.Replicas, MaxBytes: s.MaxBytes, MaxAge: s.MaxAge, Duplicates: min(window, s.MaxAge),
		MaxConsumers: -1, MaxMsgs: -1,
	}
}

// Ensure makes the stream, or gives it these bounds. Where an account may do neither, a stream that
// somebody has made is used, if it keeps the frames as it must.
func (s Stream) Ensure(ctx context.Context, js jetstream.JetStream) (jetstream.Stream, error) {
	want := s.config()
	have, err := js.Stream(ctx, s.Name)
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		have, err = js.CreateStream(ctx, want)
	case err == nil && s.differs(have.CachedInfo().Config):
		if changed, failed := js.UpdateStream(ctx, want); failed == nil {
			have = changed
		}
	}
	if err != nil {
		return nil, fmt.Errorf("making the stream %s: %w", s.Name, withoutAddress(err))
	}
	got := have.CachedInfo().Config
	switch {
	case got.Storage != jetstream.FileStorage, got.Retention != jetstream.LimitsPolicy,
		got.Discard != jetstream.DiscardNew:
		return nil, fmt.Errorf("the stream %s keeps frames otherwise than in files, by limits, with "+
			"discard new: make it anew", s.Name)
	case len(got.Subjects) != 1 || got.Subjects[0] != AllSubjects:
		return nil, fmt.Errorf("the stream %s takes %q, and not %s alone: make it anew",
			s.Name, got.Subjects, AllSubjects)
	}
	return have, nil
}

func (s Stream) differs(c jetstream.StreamConfig) bool {
	want := s.config()
	return c.Replicas != want.Replicas || c.MaxBytes != want.MaxBytes || c.MaxAge != want.MaxAge ||
		c.Duplicates != want.Duplicates
}
