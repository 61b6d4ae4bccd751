package cluster

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/risposta/gateway/ari"
)

// Config is what a [Source] reads.
type Config struct {
	Conn   *nats.Conn // as [Connect] makes it; the source does not close it
	Stream string     // the name of the stream
	Node   string     // of the PBX: its asterisk_id
	// From is the position of the last frame that a former run has made durable; nil: there is none.
	// Where it is accepted the first frame is [ari.Resumed], which has no snapshot: its Sent and Arrived
	// are an instant of the tap's boot clock, and At is the latest that the PBX's clock can have shown
	// then. They are zero where that is not known.
	From ari.Position
	// Desk receives the events about callers at the front desk before they are queued. It must return at
	// once. nil: there is no desk.
	Desk func(ari.Event)
}

// Observer receives what becomes of the stream, on the source's own goroutine. Its methods must return
// at once.
type Observer interface {
	// Retrying: the stream cannot be read; the next try comes after wait.
	Retrying(err error, wait time.Duration)
	// NotResumed: the position was refused; this run starts with a snapshot.
	NotResumed(err error)
	// Synced: every event is delivered from here on.
	Synced(node string)
	// SyncLost: a gap was delivered, for a reason of package ari. Or, with [ari.GapSilence], nothing comes
	// at present: what follows is delivered all the same, and nothing is missing until a gap says so.
	SyncLost(reason string, err error)
	// Unreadable: a message could not be read, or what is missing could not be had from the tap.
	Unreadable(err error)
	// Resent: frames that were missing in the stream have come from the tap.
	Resent(frames int)
}

// The timing of a source.
const (
	minRetry = 250 * time.Millisecond
	maxRetry = 5 * time.Second
	// SilenceLimit is more than a tap is silent by itself: it finds within 3 s that its PBX is.
	SilenceLimit = 5 * time.Second
	// repeatEvery is how often the checkpoint's place is sent again.
	repeatEvery = time.Second
	// askEvery is how often a snapshot is asked for again: more than a large PBX needs to list what it has.
	askEvery  = 5 * time.Second
	roomCheck = 20 * time.Millisecond // between two checks of a full queue
	requests  = 5 * time.Second       // for one request to NATS
)

// The bounds of what waits between server and source.
const (
	prefetchMessages = 64
	prefetchBytes    = 16 << 20
)

// Source is the [ari.Source] of one PBX whose frames come from a tap. A full queue makes it wait, and
// not lose: the stream keeps what it does not read.
//
// A stream that is silent is no gap: the tap writes what it has seen once it can, and its frames carry
// the PBX's own time. Whatever really is missing shows in the places of the frames. While nothing
// comes, [Observer.SyncLost] says so.
type Source struct {
	cfg   Config
	queue *ari.Queue
	obs   Observer
	*reading

	mu     sync.Mutex
	passed Place  // durable at the meter
	resync string // a snapshot is wanted, and why
	asked  time.Time
}

var _ ari.Source = (*Source)(nil)

// New makes a source that delivers into queue.
func New(cfg Config, queue *ari.Queue, obs Observer) *Source {
	s := &Source{cfg: cfg, queue: queue, obs: obs}
	s.reading = newReading(s)
	return s
}

// Resync implements ari.Source.
func (s *Source) Resync(reason string) {
	s.mu.Lock()
	s.resync, s.asked = reason, time.Now()
	s.mu.Unlock()
	s.ask(Ask{Version: Version, Resync: reason})
}

// Probe implements ari.Source.
func (s *Source) Probe(questions []ari.ProbeRequest) {
	s.ask(Ask{Version: Version, Probe: questions})
}

// ask sends a request. One that is lost is sent again by whoever wants to know.
func (s *Source) ask(a Ask) { _ = s.cfg.Conn.Publish(AskSubject(s.cfg.Node), EncodeRequest(a)) }

// Passed tells the tap that everything up to a frame is durable. It returns at once; the source repeats
// the latest place.
func (s *Source) Passed(at ari.Position) error {
	p, err := ParsePosition(at)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.passed.Before(p.Place) {
		s.passed = p.Place
	}
	return nil
}

// Run implements ari.Source.
func (s *Source) Run(ctx context.Context) error {
	js, err := jetstream.New(s.cfg.Conn)
	if err != nil {
		return fmt.Errorf("reading the stream %s: %w", s.cfg.Stream, err)
	}
	repeated := make(chan struct{})
	go func() {
		defer close(repeated)
		s.repeat(ctx)
	}()
	defer func() { <-repeated }()
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = minRetry, maxRetry
	for {
		err := s.read(ctx, js, wait.Reset)
		if ctx.Err() != nil {
			return nil
		}
		pause := wait.NextBackOff()
		s.obs.Retrying(withoutAddress(err), pause)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil
		}
		s.checkSilence()
	}
}

// repeat tells the tap the place of the checkpoint, and asks for a snapshot while one is wanted.
func (s *Source) repeat(ctx context.Context) {
	tick := time.NewTicker(repeatEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		s.mu.Lock()
		passed, reason := s.passed, ""
		if s.resync != "" && time.Since(s.asked) >= askEvery {
			reason, s.asked = s.resync, time.Now()
		}
		s.mu.Unlock()
		if passed != (Place{}) {
			text := EncodeRequest(Passed{Version: Version, Place: passed})
			_ = s.cfg.Conn.Publish(PassedSubject(s.cfg.Node), text) // sent again in a second
		}
		if reason != "" {
			s.ask(Ask{Version: Version, Resync: reason})
		}
	}
}

// served ends the asking for a snapshot.
func (s *Source) served() {
	s.mu.Lock()
	s.resync = ""
	s.mu.Unlock()
}

// want asks for a snapshot, where none is wanted already.
func (s *Source) want(reason string) {
	s.mu.Lock()
	wanted := s.resync != ""
	s.mu.Unlock()
	if !wanted {
		s.Resync(reason)
	}
}

// read reads the stream from where the last reading ended. It fails when nothing comes, too: a stream
// that was made anew does not reach the place where its consumer waits.
func (s *Source) read(ctx context.Context, js jetstream.JetStream, onRead func()) error {
	from, err := s.consumer(ctx, js)
	if err != nil {
		return err
	}
	messages, err := from.Messages(
		jetstream.PullMaxMessagesWithBytesLimit(prefetchMessages, prefetchBytes))
	if err != nil {
		return fmt.Errorf("reading the stream %s: %w", s.cfg.Stream, err)
	}
	defer messages.Stop()
	for {
		nctx, cancel := context.WithTimeout(ctx, SilenceLimit)
		m, err := messages.Next(jetstream.NextContext(nctx))
		cancel()
		if err != nil {
			return fmt.Errorf("reading the stream %s: %w", s.cfg.Stream, err)
		}
		meta, err := m.Metadata()
		if err != nil {
			return fmt.Errorf("reading the stream %s: %w", s.cfg.Stream, err)
		}
		onRead()
		if err := s.message(ctx, m.Data(), meta.Sequence.Stream); err != nil {
			return err
		}
		s.checkSilence()
	}
}

// consumer is an ordered one, from the message that had the last frame on. Where the stream no longer
// reaches there, it was made anew, and is read from its beginning.
func (s *Source) consumer(
	ctx context.Context, js jetstream.JetStream,
) (jetstream.Consumer, error) {
	ctx, cancel := context.WithTimeout(ctx, requests)
	defer cancel()
	stream, err := js.Stream(ctx, s.cfg.Stream)
	if err != nil {
		return nil, fmt.Errorf("looking for the stream %s: %w", s.cfg.Stream, err)
	}
	subject := Subject(s.cfg.Node)
	conf := jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{subject}, DeliverPolicy: jetstream.DeliverAllPolicy, MaxResetAttempts: 1,
	}
	last, err := stream.GetLastMsgForSubject(ctx, subject)
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound):
	case err != nil:
		return nil, fmt.Errorf("looking for frames of node %s in the stream %s: %w",
			s.cfg.Node, s.cfg.Stream, err)
	case !s.began():
		conf.DeliverPolicy = jetstream.DeliverNewPolicy
	case s.at.Stream > 0 && s.at.Stream <= last.Sequence:
		conf.DeliverPolicy, conf.OptStartSeq = jetstream.DeliverByStartSequencePolicy, s.at.Stream
	}
	c, err := js.OrderedConsumer(ctx, s.cfg.Stream, conf)
	if err != nil {
		return nil, fmt.Errorf("reading the stream %s: %w", s.cfg.Stream, err)
	}
	return c, nil
}
