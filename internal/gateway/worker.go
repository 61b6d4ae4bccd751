package gateway

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
	"go.uber.org/zap"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/frontdesk"
	"github.com/risposta/gateway/ari/native"
	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
)

// workerLedger is the side of the ledger that a worker needs.
type workerLedger interface {
	ledger.Writer
	ledger.OpenCalls
	ledger.Reader
}

// pbxWorker watches one PBX: a source reads, the pump thinks and commits.
type pbxWorker struct {
	name     string
	log      *zap.Logger
	metrics  *metrics
	ledger   workerLedger
	inbox    *ari.Queue
	source   ari.Source
	mediator *mediation.Mediator
	asker    *asker
	names    *metering.Pseudonyms
	clerk    *clerk
	desk     *frontdesk.Desk
	phone    *native.Phone
	early    []word // of the front desk, about calls that the pump has not met yet
	node     string
	started  time.Time       // when the PBX was started
	alone    bool            // the only PBX of the configuration: every open call is its
	life     string          // names this run, for the ids of its batches
	batches  uint64          // committed so far
	seen     bool            // whether this run has had its first snapshot
	noted    map[string]bool // kinds of unreadable frames that have been logged
	resynced time.Time       // when doubt last made us look again

	sight     atomic.Bool // for /readyz
	committed atomic.Bool // false while a commit fails
}

func (d *Gateway) newWorker(p config.PBX, rules mediation.Rules, access access) *pbxWorker {
	s := &pbxWorker{
		name: p.Name, log: d.log.With(zap.String("pbx", p.Name)), metrics: d.metrics, ledger: d.ledger,
		inbox: ari.NewQueue(0), mediator: mediation.New(rules), noted: map[string]bool{},
		asker: newAsker(d.lookups, d.metrics, d.log),
	}
	s.names = d.resolver.Pseudonyms
	s.metrics.watching(p.Name)
	s.life = rand.Text()
	s.alone = len(d.conf.PBX) == 1
	s.committed.Store(true)
	conf := native.Config{URL: p.URL, Username: p.Username, Password: p.Password.Reveal(), Application: p.Application, CA: access.ca}
	s.clerk = newClerk(d, rules)
	s.phone = native.NewPhone(conf)
	s.desk = frontdesk.New(deskConfig(d.conf), s.phone, s.clerk, s.clerk)
	conf.Desk = s.desk.Take
	if access.listener != nil {
		conf.Listen = &native.Listen{
			Listener: access.listener, TLS: access.tls, Username: p.Listen.Username, Password: p.Listen.Password.Reveal(), Resume: s.left,
		}
	}
	s.source = native.New(conf, s.inbox, s, func(info native.Info) error {
		s.started = info.Started // read only after the frames that follow
		return d.nodes.accept(p.Name, info)
	})
	return s
}

// batchFrames bounds what goes into one commit: at some thousand frames the fsync no longer counts.
const batchFrames = 4096

// run watches until ctx ends, then drains.
func (s *pbxWorker) run(ctx context.Context) error {
	ctx, end := context.WithCancel(ctx)
	defer end()
	defer s.asker.wait()
	deskDone := make(chan struct{})
	go func() {
		defer close(deskDone)
		s.desk.Run(ctx)
	}()
	defer func() {
		end()
		<-deskDone
		s.phone.Close()
	}()
	sourceDone := make(chan error, 1)
	go func() { sourceDone <- s.source.Run(ctx) }()
	fail := func(err error) error {
		end()
		return errors.Join(err, <-sourceDone)
	}
	for {
		select {
		case <-s.inbox.Ready():
		case a := <-s.asker.answers:
			var out mediation.Output
			s.answer(a, &out)
			if err := s.finish(ctx, &out); err != nil {
				return fail(err)
			}
		case w := <-s.clerk.words:
			var out mediation.Output
			s.early = append(s.early, w)
			s.hear(&out)
			if err := s.finish(ctx, &out); err != nil {
				return fail(err)
			}
		case err := <-sourceDone: // ctx has ended
			return errors.Join(err, s.drain())
		}
		if err := s.pump(ctx); err != nil {
			return fail(err)
		}
	}
}

// pump takes in what waits, as one commit, and at most one commit's worth.
func (s *pbxWorker) pump(ctx context.Context) error {
	frames := s.inbox.Take(batchFrames)
	if len(frames) == 0 {
		return nil
	}
	s.metrics.frames.WithLabelValues(s.name).Add(float64(len(frames)))
	var out mediation.Output
	s.hear(&out) // what was told to callers comes before what they do next
	for _, f := range frames {
		if f.Event != nil {
			all, err := s.sourceSays(ctx, f.Event, &out)
			if err != nil {
				return err
			}
			if all {
				continue
			}
		}
		arrived := len(out.Asks)
		bad, doubt := s.mediator.Feed(f, &out)
		for _, q := range out.Asks[arrived:] {
			s.clerk.arrived(q, s.mediator.Call(q.Call).Service)
		}
		if bad != nil {
			s.note(bad)
		}
		if doubt {
			s.lookAgain()
		}
	}
	s.hear(&out)
	s.early = nil // about calls that nobody knows
	if out.ClockJumps > 0 {
		s.log.Error(evPBXClock)
		s.source.Resync(ari.GapClock)
	}
	for {
		select {
		case a := <-s.asker.answers:
			s.answer(a, &out)
			continue
		default:
		}
		break
	}
	return s.finish(ctx, &out)
}

// sourceSays deals with the source's own words before the pipeline does; all: it need not.
func (s *pbxWorker) sourceSays(ctx context.Context, ev *ari.Event, out *mediation.Output) (all bool, err error) {
	switch ev.Kind {
	case ari.SnapshotTaken:
		return false, s.prepare(ctx, ev, out)
	case ari.Resumed:
		return true, s.resume(ctx, ev, out)
	case ari.Suspended:
		s.handOver(out)
		return true, nil
	default:
		return false, nil
	}
}

func (s *pbxWorker) answer(a answer, out *mediation.Output) {
	s.mediator.Answer(a.call, a.exemption, out)
}

// drain commits what was read before the end.
func (s *pbxWorker) drain() error {
	ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	for s.inbox.Len() > 0 {
		if err := s.pump(ctx); err != nil {
			return err
		}
	}
	s.metrics.inbox.WithLabelValues(s.name).Set(0)
	return nil
}

// finish commits, and then tells.
func (s *pbxWorker) finish(ctx context.Context, out *mediation.Output) error {
	out.Node = s.node
	for i := range out.Opened {
		out.Opened[i].Node = s.node // under which the next run will look for it
	}
	if !out.Empty() {
		s.batches++
		out.ID = fmt.Sprintf("%s-%d", s.life, s.batches)
		if err := s.commit(ctx, &out.Batch); err != nil {
			return err
		}
	}
	s.metrics.canaries.WithLabelValues(s.name).Add(float64(out.Heartbeats))
	s.announce(out)
	for _, ask := range out.Asks {
		s.asker.ask(ask)
	}
	for _, c := range out.Calls {
		s.asker.forget(c.ID)
		s.clerk.ended(c.ID)
	}
	s.metrics.inbox.WithLabelValues(s.name).Set(float64(s.inbox.Len()))
	s.metrics.openCalls.WithLabelValues(s.name).Set(float64(s.mediator.OpenCalls()))
	return nil
}

// The waits between two tries of a failed commit. Frames go on being read meanwhile.
const (
	minCommitRetry = 50 * time.Millisecond
	maxCommitRetry = 2 * time.Second
)

// commit tries until the batch is on disk. Only the end of the gateway ends it, drainTimeout later.
func (s *pbxWorker) commit(ctx context.Context, b *ledger.Batch) error {
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = minCommitRetry, maxCommitRetry
	var deadline <-chan time.Time
	ended := ctx.Done()
	for {
		start := time.Now()
		err := s.ledger.Commit(context.WithoutCancel(ctx), b)
		if err == nil {
			s.metrics.commitSeconds.Observe(time.Since(start).Seconds())
			s.committed.Store(true)
			return nil
		}
		s.committed.Store(false)
		s.metrics.commitFailures.Inc()
		if errors.Is(err, ledger.ErrBroken) {
			return fmt.Errorf("ending, so that the next run starts from what the ledger holds: %w", err)
		}
		pause := wait.NextBackOff()
		s.log.Error(evCommitFailed, zap.Error(err), zap.Int("records", len(b.Records)), zap.Duration("retry_in_ms", pause))
		retry := time.After(pause)
		for waiting := true; waiting; {
			select {
			case <-retry:
				waiting = false
			case <-ended:
				ended = nil // once: from here on the time is bounded
				deadline = time.After(drainTimeout)
			case <-deadline:
				return fmt.Errorf("%d records and %d frames could not be committed before the end: %w", len(b.Records), len(b.Evidence), err)
			}
		}
	}
}

// doubtPause is the least time between two looks that unreadable frames ask for: each look costs every call a moment of sight.
const doubtPause = 5 * time.Second

func (s *pbxWorker) lookAgain() {
	if now := time.Now(); now.Sub(s.resynced) >= doubtPause {
		s.resynced = now
		s.source.Resync(ari.GapUnreadable)
	}
}
