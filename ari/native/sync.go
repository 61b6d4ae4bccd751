package native

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"golang.org/x/sync/errgroup"

	"github.com/risposta/gateway/ari"
)

// Config says where the PBX is and who we are to it.
type Config struct {
	URL         string // such as http://127.0.0.1:8088/ari
	Username    string
	Password    string
	Application string         // one gateway, one name
	CA          *x509.CertPool // who may vouch for an https PBX; nil: those whom the machine trusts
	Listen      *Listen        // nil: we connect to the PBX
	// Desk is told, from between the socket and the inbox, what concerns callers at the front desk; it must return at once. nil: there is no desk.
	Desk func(ari.Event)
}

// Info is what a PBX says of itself.
type Info struct {
	Node       string // asterisk_id: entityid of asterisk.conf, else a MAC address
	SystemName string
	Version    string
	Started    time.Time // when this Asterisk was started: what it keeps for us is lost with it
}

// Observer is told what becomes of the connection, from the source's own goroutines: it must return at once.
type Observer interface {
	// Retrying: the PBX could not be watched; the next try comes after wait.
	Retrying(err error, wait time.Duration)
	// Lost: sight ended.
	Lost(reason string, err error)
	// Regained: everything is seen again; it took so long and this many channels exist.
	Regained(info Info, channels int, took time.Duration)
	// Overflowed: the inbox was full, and the frame was given up.
	Overflowed()
}

// The waits of the source, each bounded.
const (
	minRetry     = 250 * time.Millisecond // first wait after a failure
	maxRetry     = 5 * time.Second        // longest wait between two tries: a PBX that is back is seen within this
	canaryEvery  = time.Second            // how often the source proves to itself that it sees
	silenceLimit = 3 * time.Second        // how long it believes in its sight without proof
	restTimeout  = 5 * time.Second        // for one request
	roomCheck    = 50 * time.Millisecond  // after an overflow, how often it looks whether the inbox has room again
)

// Source is an ari.Source for one PBX.
type Source struct {
	cfg    Config
	rest   *rest
	server *server // nil: we connect to the PBX
	inbox  *ari.Queue
	obs    Observer
	// accept is asked about each PBX that answers, before anything of it is believed; nil accepts all.
	accept func(Info) error

	mu          sync.Mutex
	sight       sight
	pending     []ari.Frame // bounded as the inbox is, by frames and by bytes
	held        int         // bytes in pending
	snapshot    *ari.Snapshot
	proved      time.Time // our clock: when the last canary came back
	started     time.Time
	info        Info
	resumeToken *ResumeToken // of the run before, until the first canary has come back
	resync      chan string
}

// sight is what the source does with a frame.
type sight uint8

const (
	blind    sight = iota // throws it away: a snapshot must come first
	catching              // keeps it, until the canary tells that the snapshot is older than all that follows
	seeing                // puts it into the inbox
)

var _ ari.Source = (*Source)(nil)

// New makes a source that delivers into inbox. accept may refuse a PBX, such as one whose id another PBX already has.
func New(cfg Config, inbox *ari.Queue, obs Observer, accept func(Info) error) *Source {
	if accept == nil {
		accept = func(Info) error { return nil }
	}
	s := &Source{cfg: cfg, rest: newREST(cfg), inbox: inbox, obs: obs, accept: accept, resync: make(chan string, 1)}
	if cfg.Listen != nil {
		s.server = newServer(*cfg.Listen)
	}
	return s
}

// Run implements ari.Source.
func (s *Source) Run(ctx context.Context) error {
	defer s.rest.close()
	if s.server == nil {
		s.watchForEver(ctx)
		return nil
	}
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		s.watchForEver(gctx)
		return nil
	})
	g.Go(func() error { return s.server.run(gctx) })
	return g.Wait()
}

func (s *Source) watchForEver(ctx context.Context) {
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = minRetry, maxRetry
	for {
		err := s.session(ctx, wait.Reset)
		s.lose(ari.GapConnection, err)
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

// Resync implements ari.Source.
func (s *Source) Resync(reason string) {
	select {
	case s.resync <- reason:
	default: // one is asked for already
	}
}

var (
	errReplaced = errors.New("another client has taken our application's name")
	errSilence  = fmt.Errorf("no proof of sight for %s", silenceLimit)
)

// lose ends sight, if there was any, and says so in the inbox.
func (s *Source) lose(reason string, err error) {
	switch {
	case errors.Is(err, errReplaced):
		reason = ari.GapReplaced
	case errors.Is(err, errSilence):
		reason = ari.GapSilence
	}
	s.mu.Lock()
	was := s.sight
	s.sight, s.pending, s.held, s.snapshot = blind, nil, 0, nil
	if was == seeing {
		s.inbox.Put(ari.Frame{Event: &ari.Event{Kind: ari.Gap, Node: s.info.Node, Reason: reason}})
	}
	s.mu.Unlock()
	if was == seeing {
		s.obs.Lost(reason, err)
	}
}

// take deals with one frame, at once.
func (s *Source) take(f ari.Frame) error {
	if isReplaced(f.Raw) {
		return errReplaced
	}
	if s.cfg.Desk != nil && f.Total == 0 && forDesk(f.Raw) {
		if ev, err := ari.Decode(f.Raw); err == nil { // what can't be read is dealt with behind the inbox
			s.cfg.Desk(ev)
		}
	}
	canary := isCanary(f.Raw)
	f.Arrived = time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if canary {
		s.proved = f.Arrived
	}
	switch s.sight {
	case blind:
	case seeing:
		if !s.inbox.Put(f) {
			s.overflow()
		}
	case catching:
		if canary && s.snapshot != nil {
			if s.resumeToken != nil {
				return s.resume(f)
			}
			return s.regain(f)
		}
		if len(s.pending) >= ari.QueueFrames || s.held+len(f.Raw) > ari.QueueBytes {
			s.overflow()
			return nil
		}
		s.pending = append(s.pending, f)
		s.held += len(f.Raw)
	}
	return nil
}

// overflow gives up, under the lock: from here on nothing is believed until a new snapshot.
func (s *Source) overflow() {
	if s.sight == seeing {
		s.inbox.Put(ari.Frame{Event: &ari.Event{Kind: ari.Gap, Node: s.info.Node, Reason: ari.GapOverflow}})
	}
	s.sight, s.pending, s.held, s.snapshot = blind, nil, 0, nil
	s.Resync(ari.GapOverflow)
	s.obs.Overflowed()
}

// regain delivers, under the lock, the snapshot and what came since it was asked for. The canary was sent after the snapshot came: its
// timestamp is an instant of the PBX's own clock at which all that is known.
func (s *Source) regain(canary ari.Frame) error {
	ev, err := ari.Decode(canary.Raw)
	if err != nil {
		return fmt.Errorf("reading our own canary: %w", err)
	}
	s.snapshot.At, s.snapshot.Node = ev.At, s.info.Node
	s.inbox.Put(ari.Frame{Arrived: canary.Arrived, Event: &ari.Event{
		Kind: ari.SnapshotTaken, At: ev.At, Node: s.info.Node, Snapshot: s.snapshot,
	}})
	s.see()
	return nil
}

// see goes over, under the lock, to delivering: first what was kept.
func (s *Source) see() {
	channels := len(s.snapshot.Legs)
	pending := s.pending
	s.sight, s.pending, s.held, s.snapshot = seeing, nil, 0, nil
	for _, f := range pending {
		if !s.inbox.Put(f) {
			s.overflow()
			return
		}
	}
	s.obs.Regained(s.info, channels, time.Since(s.started))
}
