package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
)

// The bounds of how a hole is closed.
const (
	// fetchTimeout is how long a tap may be away that is asked for what is missing: more than it takes to
	// start anew. Meanwhile the stream keeps what follows.
	fetchTimeout = 30 * time.Second
	fetchPause   = 500 * time.Millisecond // between two requests
	replyTimeout = 3 * time.Second        // between two messages of an answer
)

// fetch asks the tap for the frames behind the last one, up to a place. It returns when they have come,
// or when they cannot be had.
func (s *Source) fetch(ctx context.Context, until Place) error {
	if until == (Place{}) {
		return nil // the tap has lost its journal, and does not know what came before
	}
	end := time.Now().Add(fetchTimeout)
	for {
		before := s.at.Place
		answered, more, err := s.fetchOnce(ctx, until)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case !s.at.Place.Before(until):
			return nil
		case answered && (!more || s.at.Place == before):
			return nil // the tap has no more
		case answered:
			continue
		case time.Now().After(end):
			s.obs.Unreadable(fmt.Errorf("asking the tap of node %s for frames behind %s: %w",
				s.cfg.Node, before, err))
			return nil
		}
		select {
		case <-time.After(fetchPause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// fetchOnce sends one request, and takes what comes.
func (s *Source) fetchOnce(ctx context.Context, until Place) (answered, more bool, err error) {
	inbox := s.cfg.Conn.NewInbox()
	sub, err := s.cfg.Conn.SubscribeSync(inbox)
	if err != nil {
		return false, false, withoutAddress(err)
	}
	defer sub.Unsubscribe() //nolint:errcheck // the connection is lost, and the subscription with it
	ask := EncodeRequest(Resend{Version: Version, After: s.at.Place, Until: until})
	if err := s.cfg.Conn.PublishRequest(ResendSubject(s.cfg.Node), inbox, ask); err != nil {
		return false, false, withoutAddress(err)
	}
	var parts Assembler
	frames := uint64(0)
	defer func() {
		if frames > 0 {
			s.obs.Resent(int(frames))
		}
	}()
	for {
		reply, err := s.nextReply(ctx, sub)
		if err != nil {
			return false, false, err
		}
		if how := reply.Header.Get(EndHeader); how != "" {
			return true, how == EndMore, nil
		}
		m, err := ParseMessage(reply.Data)
		if err != nil {
			s.obs.Unreadable(err)
			return true, false, nil
		}
		whole, ok := parts.Add(m)
		if !ok || whole.Node != s.cfg.Node {
			continue
		}
		before := s.at.Place
		if err := s.batch(ctx, &whole, false); err != nil {
			return false, false, err
		}
		if before.Before(s.at.Place) {
			frames += whole.Count
		}
	}
}

func (s *Source) nextReply(ctx context.Context, sub *nats.Subscription) (*nats.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, replyTimeout)
	defer cancel()
	reply, err := sub.NextMsgWithContext(ctx)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return nil, errors.New("it does not answer")
	case errors.Is(err, nats.ErrNoResponders):
		return nil, errors.New("no tap runs there")
	case err != nil:
		return nil, withoutAddress(err)
	}
	return reply, nil
}
