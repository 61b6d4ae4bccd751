package native

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/risposta/gateway/ari"
)

const (
	// auditEvery is how often the PBX's own lists are compared with what its events said.
	auditEvery = 30 * time.Second
	// maxListFailures is how often in a row the lists may fail to come, as on a PBX that is busy, before
	// the connection counts as broken.
	maxListFailures = 3
	// maxProbes bounds the questions of one round, and with it what the PBX is asked in a second: 5 % of
	// a core there (docs/asterisk.md, "What the requests cost"). Of more, the next rounds ask others.
	maxProbes = 200
)

// question is what a heartbeat carries back: answers and lists that were complete when it was sent.
type question struct {
	answers []ari.ProbeAnswer
	lists   *ari.Snapshot
	asked   time.Time
}

// Probe implements ari.Source.
func (s *Source) Probe(requests []ari.ProbeRequest) {
	select {
	case s.sync.probes <- requests:
	default: // the reader asks again
	}
}

// keepAsking asks what the reader requests, and every auditEvery for the PBX's own lists.
func (s *synchronizer) keepAsking(ctx context.Context) error {
	tick := time.NewTicker(auditEvery)
	defer tick.Stop()
	failures := 0
	for {
		var err error
		select {
		case <-ctx.Done():
			return ctx.Err()
		case requests := <-s.probes:
			err = s.probe(ctx, requests)
		case <-tick.C:
			if err = s.takeLists(ctx); err == nil {
				failures = 0
			} else if failures++; failures < maxListFailures {
				err = nil
			}
		}
		if err != nil {
			return err
		}
	}
}

// probe asks, and has a heartbeat bring the answers into their place among the events.
func (s *synchronizer) probe(ctx context.Context, requests []ari.ProbeRequest) error {
	if n := len(requests); n > maxProbes { // another part of them each time
		first := int(s.rounds*maxProbes) % n
		requests = append(requests[first:n:n], requests[:first]...)[:maxProbes]
	}
	s.rounds++
	answers := make([]ari.ProbeAnswer, len(requests))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(holdQueries)
	for i, r := range requests {
		g.Go(func() error {
			answers[i] = s.control.Probe(gctx, r)
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return s.sendHeartbeat(ctx, &question{answers: answers})
}

// takeLists asks for the PBX's lists of channels and bridges.
func (s *synchronizer) takeLists(ctx context.Context) error {
	s.mu.Lock()
	asked := s.heartbeatAt
	s.mu.Unlock()
	lists, err := s.control.Lists(ctx)
	if err != nil {
		return err
	}
	return s.sendHeartbeat(ctx, &question{lists: lists, asked: asked})
}

// answer puts, under the lock, what was asked before this heartbeat behind it.
func (s *synchronizer) answer(q *question, heartbeat ari.Event) {
	ev := &ari.Event{Kind: ari.Probed, At: heartbeat.At, Node: s.info.Node, Answers: q.answers}
	if q.lists != nil {
		ev.Kind, ev.Snapshot, ev.Asked = ari.ListsTaken, q.lists, q.asked
	}
	if !s.queue.Put(ari.Frame{Event: ev}) {
		s.overflow()
	}
}
