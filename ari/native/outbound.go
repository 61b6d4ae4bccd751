package native

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/risposta/gateway/ari"
)

// host watches the PBX over one socket that the PBX has opened, until it ends.
//
// When the gateway is told to end, our side of the connection is ended first: Asterisk then writes out what it has begun, ends its own side, and
// keeps what comes after in its memory (measured: 70,000 events at 8,000 a second over three such restarts, each once and in order). What was read up
// to there is HandedOver.
func (s *Source) host(ctx context.Context, seen func()) error {
	a, err := s.server.accept(ctx)
	if err != nil {
		return err
	}
	defer close(a.done)
	info, err := s.rest.info(ctx)
	if err != nil {
		return err
	}
	if err := s.accept(info); err != nil {
		return err
	}
	s.begin(info)
	resumes := s.resumes(info)
	if resumes {
		s.catch() // every frame counts, from the first one on
	}
	// The reading goes on after ctx has ended: until Asterisk has said all.
	reading, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	read := make(chan error, 1)
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		err := s.read(reading, a.ws)
		read <- err
		return err
	})
	g.Go(func() error {
		<-gctx.Done()
		s.leave(ctx, a, read)
		stop()
		return nil
	})
	g.Go(func() error { return s.watchHosted(gctx, resumes, seen) })
	return g.Wait()
}

// leave ends our side when the gateway ends, and hands over if Asterisk then ends its own in good order.
func (s *Source) leave(ctx context.Context, a arrival, read <-chan error) {
	if ctx.Err() == nil || a.half() != nil {
		return
	}
	select {
	case err := <-read:
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.sight == seeing && orderly(err) {
			s.inbox.Put(ari.Frame{Event: &ari.Event{Kind: ari.Suspended, Node: s.info.Node}})
			s.sight = blind // nothing was lost
		}
	case <-time.After(farewell):
	}
}

// resumes asks, once a run, whether the run before has handed over.
func (s *Source) resumes(info Info) bool {
	resume := s.cfg.Listen.Resume
	if resume == nil {
		return false
	}
	s.cfg.Listen.Resume = nil
	h, ok := resume(info)
	if ok {
		s.resumeToken = &h
	}
	return ok
}

// watchHosted is watch for a PBX that connects to us. What it kept while we were away comes first: unless we resume, that is older than any snapshot
// and worth nothing, so a canary must come back before one is made.
func (s *Source) watchHosted(ctx context.Context, resumes bool, seen func()) error {
	if resumes {
		if err := s.ask(ctx); err != nil {
			return err
		}
		seen()
		return s.keepProving(ctx)
	}
	sent := time.Now()
	if err := s.rest.canary(ctx, s.cfg.Application); err != nil {
		return err
	}
	if err := s.provedSince(ctx, sent); err != nil {
		return err
	}
	return s.watch(ctx, seen)
}

// backlog bounds how long Asterisk may take to send what it kept.
const backlog = 30 * time.Second

func (s *Source) provedSince(ctx context.Context, sent time.Time) error {
	deadline := time.After(backlog)
	tick := time.NewTicker(roomCheck)
	defer tick.Stop()
	for {
		s.mu.Lock()
		proved := s.proved
		s.mu.Unlock()
		if proved.After(sent) {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		case <-deadline:
			return fmt.Errorf("what the PBX kept while it was alone has not come through within %s", backlog)
		}
	}
}

// clockSlack is how much more time may have passed on the PBX's clock than on the machine's own between two runs: up to a second lies between the last
// event of the one and its end.
const clockSlack = 3 * time.Second

// resume delivers, under the lock, what the PBX kept while we were away, unless its clock was set forward meanwhile: then nobody knows how long
// anybody has talked, and sight begins anew.
func (s *Source) resume(canary ari.Frame) error {
	h := s.resumeToken
	s.resumeToken = nil
	ev, err := ari.Decode(canary.Raw)
	if err != nil {
		return fmt.Errorf("reading our own canary: %w", err)
	}
	boot, err := BootClock()
	if err != nil {
		return err
	}
	if away := ev.At.Sub(h.Watermark); away > boot-h.Boot+clockSlack {
		return errors.New("the PBX's clock was set forward while nobody watched")
	}
	for i := range s.pending {
		s.pending[i].Arrived = time.Time{} // it came late because we did: that says nothing about its clock
	}
	s.snapshot.At, s.snapshot.Node = ev.At, s.info.Node
	s.inbox.Put(ari.Frame{Event: &ari.Event{Kind: ari.Resumed, At: h.Watermark, Node: s.info.Node, Snapshot: s.snapshot}})
	s.see()
	return nil
}
