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
	conn, err := s.server.accept(ctx)
	if err != nil {
		return err
	}
	defer close(conn.done)
	info, err := s.control.Info(ctx)
	if err != nil {
		return err
	}
	if err := s.accept(info); err != nil {
		return err
	}
	s.sync.connected(info)
	resumes := s.resumes(info.Node)
	// Reading goes on after ctx has ended, until Asterisk has sent everything.
	reading, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	readEnded := make(chan error, 1)
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		err := read(reading, conn.ws, s.sync.deliver)
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
	g.Go(func() error { return s.sync.runOutbound(gctx, resumes, onSynced) })
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

// resumes asks, once a run, for the position where the last run ended, and begins to resume there.
func (s *Source) resumes(node string) bool {
	stored := s.cfg.Resume
	s.cfg.Resume = nil
	if stored == nil {
		return false
	}
	from := stored(node)
	if from == nil {
		return false
	}
	if err := s.sync.present(from); err != nil {
		s.obs.NotResumed(err)
		return false
	}
	return true
}
