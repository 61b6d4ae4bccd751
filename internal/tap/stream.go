package tap

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/risposta/gateway/ari/cluster"
)

const (
	// lookEvery is how often the sizes are looked at, and what was passed is taken out of the stream.
	lookEvery = 10 * time.Second
	// maxInStream bounds what is remembered of the stream: two hours at 10 batches a second.
	maxInStream = 1 << 16
	// filling is the share of a bound above which the log says so.
	filling = 0.8
)

// inStream remembers where in the stream the batches are that a meter has not passed.
type inStream struct {
	mu      sync.Mutex
	batches []sentBatch // the oldest first
}

type sentBatch struct {
	last   cluster.Place
	stream uint64 // the sequence of its first message
}

func (s *inStream) add(last cluster.Place, stream uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.batches) >= maxInStream {
		s.batches = append(s.batches[:0:0], s.batches[maxInStream/2:]...) // the stream's age ends the others
	}
	s.batches = append(s.batches, sentBatch{last, stream})
}

// passed returns up to which sequence, it excluded, the stream has what was passed; 0: nothing new. The
// latest batch that was passed stays, for a reader to go on from.
func (s *inStream) passed(p cluster.Place) (stream uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for n+1 < len(s.batches) && !p.Before(s.batches[n+1].last) {
		n++
	}
	if n == 0 {
		return 0
	}
	s.batches = s.batches[n:]
	return s.batches[0].stream
}

// watch looks at the sizes of journal and stream until ctx ends, and takes what was passed out of the
// stream: it holds numbers of callers, which nobody needs any more.
func (t *Tap) watch(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	var full, streamFull bool
	for {
		bytes, limit := t.journal.size()
		t.metrics.journalBytes.Set(float64(bytes))
		t.metrics.journalLimit.Set(float64(limit))
		full = t.tellFilling(evJournalFilling, full, float64(bytes), float64(limit))
		if t.conn.IsConnected() {
			info, err := t.lookAtStream(ctx)
			switch {
			case errors.Is(err, jetstream.ErrStreamNotFound): // the publisher makes it
			case err != nil && ctx.Err() == nil:
				t.log.Warn(evStreamUnseen, zap.Error(err))
			case err == nil && info.Config.MaxBytes > 0:
				bytes, limit := float64(info.State.Bytes), float64(info.Config.MaxBytes)
				t.metrics.streamBytes.Set(bytes)
				t.metrics.streamLimit.Set(limit)
				streamFull = t.tellFilling(evStreamFilling, streamFull, bytes, limit)
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// tellFilling logs, once, that something is about to be full.
func (t *Tap) tellFilling(event string, was bool, bytes, limit float64) bool {
	is := bytes >= filling*limit
	if is && !was {
		t.log.Error(event, zap.Int64("bytes", int64(bytes)), zap.Int64("bound", int64(limit)))
	}
	return is
}

// lookAtStream takes out of the stream what was passed, and returns what it has.
func (t *Tap) lookAtStream(ctx context.Context) (*jetstream.StreamInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, ackTimeout)
	defer cancel()
	stream, err := t.publisher.js.Stream(ctx, t.stream.Name)
	if err != nil {
		return nil, fmt.Errorf("looking at the stream %s: %w", t.stream.Name, err)
	}
	node, _ := t.journal.end()
	if p := t.passed.Load(); p != nil && node != "" {
		if until := t.inStream.passed(*p); until > 0 {
			err := stream.Purge(ctx, jetstream.WithPurgeSubject(cluster.Subject(node)),
				jetstream.WithPurgeSequence(until))
			if err != nil {
				return nil, fmt.Errorf("taking what was passed out of the stream %s: %w", t.stream.Name, err)
			}
		}
	}
	return stream.CachedInfo(), nil
}
