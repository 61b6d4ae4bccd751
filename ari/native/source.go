package native

import (
	"context"
	"crypto/x509"
	"time"

	"github.com/cenkalti/backoff/v5"
	"golang.org/x/sync/errgroup"

	"github.com/risposta/gateway/ari"
)

// Config is where the PBX is and how the gateway logs in there.
type Config struct {
	URL         string // such as http://127.0.0.1:8088/ari
	Username    string
	Password    string
	Application string         // each gateway needs a name of its own
	CA          *x509.CertPool // the authorities of an https PBX; nil: those of the machine
	Listen      *Listen        // nil: the gateway connects to the PBX
	ReadEvery   time.Duration  // how often frames are handed over where they keep coming; 0: at once
	// Desk receives the events about callers at the front desk before they are queued. It must
	// return at once. nil: there is no desk.
	Desk func(ari.Event)
	// KeepRaw has each frame of the PBX keep its bytes when it is read, to be sent on.
	KeepRaw bool
	// MayCall reports whether a channel may be a caller's: of those a snapshot shows who called. Nil:
	// of none.
	MayCall func(ari.Channel) bool
	// Resume takes out the position at which the last run with this node ended, nil for none. When it
	// returns the position is spent, durably: no later call returns it. It is called before each
	// connection that the PBX opens is used, and only with Listen: Asterisk keeps its events only for
	// a connection that it opens itself.
	Resume func(ctx context.Context, node string) (ari.Position, error)
}

// Observer receives what becomes of the connection, on the source's own goroutines. Its methods
// must return at once.
type Observer interface {
	// Retrying: connecting failed, or the connection ended; the next try comes after wait.
	Retrying(err error, wait time.Duration)
	// NotResumed: the position of the last run was refused; this run starts with a snapshot.
	NotResumed(err error)
	// Synced: every event is delivered from here on. channels exist; taking the snapshot took took.
	Synced(info ari.Info, channels int, took time.Duration)
	// NotFiltered: the PBX could not be told which events to send. It sends all.
	NotFiltered(err error)
	// SyncLost: events may be missing from here on.
	SyncLost(reason string, err error)
	// Overflowed: the queue was full. The frame was discarded, and events are missing from here on.
	Overflowed()
	ListenObserver
}

// The timing of the source.
const (
	minRetry       = 250 * time.Millisecond // first wait after a failure
	maxRetry       = 5 * time.Second        // longest wait: a PBX that is back is found within this
	heartbeatEvery = time.Second
	silenceLimit   = 3 * time.Second       // without a heartbeat for so long, events may be missing
	requestTimeout = 5 * time.Second       // for one request
	roomCheck      = 50 * time.Millisecond // after an overflow, between two checks of the queue
)

// Source is the [ari.Source] of one PBX.
type Source struct {
	cfg     Config
	control *Control
	server  *server // nil: the gateway connects to the PBX
	sync    *synchronizer
	obs     Observer
	// accept may refuse a PBX that responds, before any of its events is used; nil accepts all.
	accept func(ari.Info) error
}

var _ ari.Source = (*Source)(nil)

// New makes a source that delivers into queue. accept may refuse a PBX, such as one whose id
// another PBX already has; nil accepts all.
func New(cfg Config, queue *ari.Queue, obs Observer, accept func(ari.Info) error) *Source {
	if accept == nil {
		accept = func(ari.Info) error { return nil }
	}
	control := NewControl(cfg)
	s := &Source{
		cfg: cfg, control: control, obs: obs, accept: accept,
		sync: newSynchronizer(control, queue, obs, cfg.Desk),
	}
	s.sync.keepRaw = cfg.KeepRaw
	if cfg.Listen != nil {
		s.server = newServer(*cfg.Listen, obs)
	}
	return s
}

// Run implements ari.Source.
func (s *Source) Run(ctx context.Context) error {
	defer s.control.Close()
	if s.server == nil {
		s.keepConnected(ctx)
		return nil
	}
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		s.keepConnected(gctx)
		return nil
	})
	g.Go(func() error { return s.server.run(gctx) })
	return g.Wait()
}

// Resync implements ari.Source.
func (s *Source) Resync(reason string) { s.sync.requestResync(reason) }

// keepConnected runs one session after the other until ctx ends.
func (s *Source) keepConnected(ctx context.Context) {
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = minRetry, maxRetry
	session := s.dialledSession
	if s.server != nil {
		session = s.outboundSession
	}
	for {
		err := session(ctx, wait.Reset)
		s.sync.disconnect(ari.GapConnection, err)
		if ctx.Err() != nil {
			return
		}
		pause := wait.NextBackOff()
		s.obs.Retrying(err, pause)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}
