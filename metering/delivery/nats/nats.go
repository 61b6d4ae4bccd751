// Package nats delivers events into a stream of NATS JetStream.
//
// In: batches. Out: a message for each event, on a subject with the name of the service at its end,
// whose Nats-Msg-Id is the event's id: within its window the server drops a repeat. An event is settled
// once the stream has acknowledged it. The package makes no stream: who runs the server says what it
// keeps.
package nats

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/risposta/gateway/metering/delivery"
)

// Config is where events go.
type Config struct {
	URL         string
	CA          *x509.CertPool // nil: those of the machine
	Credentials string         // the file of a user's credentials; "": none
	Token       string         // "": none
	Subject     string         // before the service: risposta.records becomes risposta.records.help
	Fields      delivery.Fields
}

// Stream is a sink.
type Stream struct {
	Config
	options []nats.Option
	conn    *nats.Conn // nil until the first batch
	js      jetstream.JetStream
}

var (
	_ delivery.Sink   = (*Stream)(nil)
	_ delivery.Holder = (*Stream)(nil)
)

var subject = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`)

// connectTimeout bounds a connection's beginning, and the wait for an acknowledgement.
const connectTimeout = 10 * time.Second

// Open checks the configuration. It connects with the first batch.
func Open(c Config) (*Stream, error) {
	if !subject.MatchString(c.Subject) {
		return nil, fmt.Errorf("subject: %q is not such as risposta.records", c.Subject)
	}
	s := &Stream{Config: c, options: []nats.Option{
		nats.Name("risposta"), nats.Timeout(connectTimeout), nats.NoReconnect(),
	}}
	if c.CA != nil {
		conf := &tls.Config{RootCAs: c.CA, MinVersion: tls.VersionTLS12}
		s.options = append(s.options, nats.Secure(conf))
	}
	if c.Credentials != "" {
		s.options = append(s.options, nats.UserCredentials(c.Credentials))
	}
	if c.Token != "" {
		s.options = append(s.options, nats.Token(c.Token))
	}
	return s, nil
}

// Close implements delivery.Sink.
func (s *Stream) Close() {
	if s.conn != nil {
		s.conn.Close()
		s.conn = nil
	}
}

// connect makes the connection where there is none that works. Waiting for the server is the
// caller's.
func (s *Stream) connect() error {
	if s.conn != nil && s.conn.IsConnected() {
		return nil
	}
	s.Close()
	conn, err := nats.Connect(s.URL, s.options...)
	if err != nil {
		return errors.New("connecting to NATS: " + withoutAddress(err))
	}
	js, err := jetstream.New(conn, jetstream.WithPublishAsyncMaxPending(maxPending))
	if err != nil {
		conn.Close()
		return fmt.Errorf("connecting to NATS: %w", err)
	}
	s.conn, s.js = conn, js
	return nil
}

// withoutAddress is the text of an error, whose address may hold a password.
func withoutAddress(err error) string {
	if errors.Is(err, nats.ErrNoServers) || strings.Contains(err.Error(), "@") {
		return "no server can be reached"
	}
	return err.Error()
}

// maxPending bounds the messages that wait for their acknowledgement.
const maxPending = 256

// Deliver implements delivery.Sink. An event that is larger than the server takes is refused.
func (s *Stream) Deliver(
	ctx context.Context, b delivery.Batch,
) (done int, refused []delivery.Refusal, err error) {
	if err := s.connect(); err != nil {
		return 0, nil, err
	}
	for done < len(b.Events) {
		n := min(maxPending, len(b.Events)-done)
		few, err := s.publish(ctx, b.Events[done:done+n])
		for _, i := range few.refused {
			refused = append(refused, delivery.Refusal{
				Index: done + i, Why: "it is larger than the server takes",
			})
		}
		if done += few.done; err != nil {
			return done, refused, err
		}
	}
	return done, refused, nil
}

// published is what became of some messages.
type published struct {
	done    int
	refused []int
}

// publish publishes some messages, and waits for their acknowledgements in their order.
func (s *Stream) publish(ctx context.Context, events []delivery.Event) (p published, err error) {
	waits := make([]jetstream.PubAckFuture, len(events))
	for i := range events {
		e := &events[i]
		m := nats.NewMsg(s.Subject + "." + token(e.Record.Service))
		m.Data = s.Fields.Object(e)
		if int64(len(m.Data)) > s.conn.MaxPayload()-headerBytes {
			p.refused = append(p.refused, i)
			continue
		}
		if waits[i], err = s.js.PublishMsgAsync(m, jetstream.WithMsgID(e.ID)); err != nil {
			events = events[:i] // those before it may arrive
			break
		}
	}
	for i := range events {
		if waits[i] != nil {
			if ack := acknowledged(ctx, waits[i]); ack != nil {
				return p.upTo(i), fmt.Errorf("publishing to JetStream: %w", ack)
			}
		}
		p.done++
	}
	if err != nil {
		err = fmt.Errorf("publishing to JetStream: %w", err)
	}
	return p, err
}

// upTo leaves out the refusals of what is sent again.
func (p published) upTo(done int) published {
	kept := published{done: done}
	for _, i := range p.refused {
		if i < done {
			kept.refused = append(kept.refused, i)
		}
	}
	return kept
}

// headerBytes is room for the headers of a message.
const headerBytes = 1024

func acknowledged(ctx context.Context, f jetstream.PubAckFuture) error {
	t := time.NewTimer(connectTimeout)
	defer t.Stop()
	select {
	case <-f.Ok():
		return nil
	case err := <-f.Err():
		return err
	case <-t.C:
		return errors.New("no acknowledgement has come")
	case <-ctx.Done():
		return ctx.Err()
	}
}

// token is the name of a service as a part of a subject.
func token(service string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(" .*>\t\r\n", r) {
			return '_'
		}
		return r
	}, service)
}

// Replaces implements delivery.Holder.
func (s *Stream) Replaces() bool { return false }

// Held implements delivery.Holder: it reads the stream from its beginning.
func (s *Stream) Held(ctx context.Context, f func(id, digest string) error) error {
	if err := s.connect(); err != nil {
		return err
	}
	subjects := s.Subject + ".>"
	name, err := s.js.StreamNameBySubject(ctx, subjects)
	if err != nil {
		return fmt.Errorf("finding the stream of %s: %w", subjects, err)
	}
	c, err := s.js.OrderedConsumer(ctx, name, jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{subjects},
	})
	if err != nil {
		return fmt.Errorf("reading the stream %s: %w", name, err)
	}
	info, err := c.Info(ctx)
	if err != nil {
		return fmt.Errorf("reading the stream %s: %w", name, err)
	}
	for range info.NumPending {
		m, err := c.Next(jetstream.FetchMaxWait(connectTimeout))
		if err != nil {
			return fmt.Errorf("reading the stream %s: %w", name, err)
		}
		texts, err := s.Fields.Texts(m.Data())
		if err != nil {
			return fmt.Errorf("reading the stream %s: a message: %w", name, err)
		}
		if err := f(m.Headers().Get(jetstream.MsgIDHeader), s.Fields.Digest(texts)); err != nil {
			return err
		}
	}
	return nil
}
