package native

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"
)

// outboundSession reads the PBX's events over one socket that the PBX has opened (Asterisk calls it
// an outbound connection), until it ends.
//
// When the gateway shuts down it ends its own side of the connection first. Asterisk then writes
// out what it has begun, ends its side, and keeps later events in its memory (measured: 70,000
// events at 8,000 a second over three such restarts, each once and in order). The position up to
// there is the one that the next run resumes from.
func (s *Source) outboundSession(ctx context.Context, onSynced func()) error {
	offered, err := s.server.next(ctx)
	if err != nil {
		return err
	}
	info, err := s.control.Info(ctx)
	if err == nil {
		err = s.accept(info)
	}
	if err != nil {
		offered.refuse()
		return err
	}
	s.sync.connected(info)
	// Whatever the position stands for can be lost from the upgrade on: it is spent before that.
	resumes := s.resumes(ctx, info.Node)
	conn, err := offered.take()
	if err != nil {
		return err
	}
	defer close(conn.done)
	// Reading goes on after ctx has ended, until Asterisk has sent everything.
	reading, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	readEnded := make(chan error, 1)
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		err := s.readInPieces(reading, conn.ws, conn.paced)
		readEnded <- err
		return err
	})
	g.Go(func() error {
		<-gctx.Done()
		if ctx.Err() != nil {
			s.suspend(conn, readEnded)
		}
		stop()
		return nil
	})
	g.Go(func() error {
		s.filterEvents(gctx)
		return s.sync.runOutbound(gctx, resumes, onSynced)
	})
	return g.Wait()
}

// suspend ends the gateway's side, and suspends if Asterisk then ends its own in good order.
func (s *Source) suspend(conn outboundConn, readEnded <-chan error) {
	if conn.closeWrite() != nil {
		return
	}
	select {
	case err := <-readEnded:
		if endedByPBX(err) {
			s.sync.suspend()
		}
	case <-time.After(closeTimeout):
	}
}

// resumes takes the position where the last session ended, and begins to resume there.
func (s *Source) resumes(ctx context.Context, node string) bool {
	if s.cfg.Resume == nil {
		return false
	}
	from, err := s.cfg.Resume(ctx, node)
	if err == nil && from != nil {
		err = s.sync.present(from)
	}
	if err != nil {
		s.obs.NotResumed(err)
	}
	return err == nil && from != nil
}
