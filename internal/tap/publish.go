package tap

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/risposta/gateway/ari/cluster"
)

// The bounds of what is on its way.
const (
	maxInFlight    = 64 // batches
	flightBytes    = 8 << 20
	maxPending     = 1 << 12 // messages; a batch may be several
	ackTimeout     = 5 * time.Second
	minPublishWait = 250 * time.Millisecond
	maxPublishWait = 5 * time.Second
	headerRoom     = 512 // of a message, for its id
)

// publisher sends what is in the journal to the stream, in its order.
type publisher struct {
	tap     *Tap
	beat    beat
	js      jetstream.JetStream
	sent    cluster.Place                 // acknowledged; written by run alone
	found   bool                          // the stream was asked how far it is
	working bool                          // the last try succeeded
	began   uint64                        // the stream's sequence of the first part of the batch that is on its way
	upTo    atomic.Pointer[cluster.Place] // sent, for other goroutines
}

// sentUpTo is the last place that the stream has acknowledged.
func (p *publisher) sentUpTo() cluster.Place {
	if at := p.upTo.Load(); at != nil {
		return *at
	}
	return cluster.Place{}
}

// run sends until ctx ends.
func (p *publisher) run(ctx context.Context) {
	wait := minPublishWait
	for ctx.Err() == nil {
		err := p.publish(ctx)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			wait = minPublishWait
			continue
		}
		p.failed(err, wait)
		p.await(ctx, wait)
		wait = min(2*wait, maxPublishWait)
	}
}

// await waits, and takes beats meanwhile: it does not hang.
func (p *publisher) await(ctx context.Context, wait time.Duration) {
	over := time.NewTimer(wait)
	defer over.Stop()
	for {
		select {
		case <-over.C:
			return
		case <-p.beat:
		case <-ctx.Done():
			return
		}
	}
}

// failed reports a try that failed. Everything from the first message on that was not acknowledged is
// sent again.
func (p *publisher) failed(err error, wait time.Duration) {
	t := p.tap
	p.working = false
	t.publishes.Store(false)
	t.metrics.publishFailures.Inc()
	event := evPublishFailed
	if streamFull(err) {
		event = evStreamFull
	}
	t.log.Error(event, zap.Error(err), zap.Duration("retry_in_ms", wait))
}

// streamFull reports whether the stream refused a message because it has as many as it may have.
func streamFull(err error) bool {
	const insufficient, storeFailed = 10023, 10077 // JSInsufficientResourcesErr, JSStreamStoreFailedF
	var api *jetstream.APIError
	return errors.As(err, &api) && (api.ErrorCode == storeFailed || api.ErrorCode == insufficient)
}

// publish makes the stream ready, and sends what the journal has until something fails.
func (p *publisher) publish(ctx context.Context) error {
	if err := p.prepare(ctx); err != nil {
		return err
	}
	c := p.tap.journal.from(p.sent)
	defer c.close()
	for {
		p.beat.take()
		batch, err := p.take(c)
		if err != nil {
			p.tap.log.Error(evJournalFailed, zap.Error(err)) // what is behind it is sent
			p.tap.metrics.journalFailures.Inc()
		}
		if len(batch) > 0 {
			if err := p.send(ctx, batch); err != nil {
				return err
			}
			p.succeeded()
			continue
		}
		if err != nil {
			continue
		}
		p.succeeded()
		select {
		case <-p.tap.journal.grown:
		case <-p.beat:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (p *publisher) succeeded() {
	if !p.working {
		p.working = true
		p.tap.publishes.Store(true)
	}
}

// prepare makes the stream, and asks it once how far it is: what it has need not be sent again.
func (p *publisher) prepare(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, ackTimeout)
	defer cancel()
	stream, err := p.tap.stream.Ensure(ctx, p.js)
	if err != nil || p.found {
		return err
	}
	node, _ := p.tap.journal.end()
	if node == "" {
		return nil // nothing was ever sent
	}
	last, err := stream.GetLastMsgForSubject(ctx, cluster.Subject(node))
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound):
	case err != nil:
		return fmt.Errorf("asking the stream %s for its last message: %w", p.tap.stream.Name, err)
	default:
		if m, err := cluster.ParseMessage(last.Data); err == nil {
			if p.sent = m.After; m.Part+1 == m.Parts {
				p.sent = m.Last()
			}
		}
	}
	p.found = true
	return nil
}

// take reads some batches, as messages of a size that the server takes.
func (p *publisher) take(c *cursor) (messages []cluster.Message, err error) {
	bytes := 0
	for n := 0; n < maxInFlight && bytes < flightBytes; n++ {
		m, err := c.next()
		if err != nil || m == nil {
			return messages, err
		}
		parts, err := m.Split(int(p.tap.conn.MaxPayload()) - headerRoom)
		if err != nil {
			return messages, err
		}
		messages, bytes = append(messages, parts...), bytes+len(m.Body)
	}
	return messages, nil
}

// send sends messages, and returns when all are acknowledged.
func (p *publisher) send(ctx context.Context, messages []cluster.Message) error {
	waits := make([]jetstream.PubAckFuture, 0, len(messages))
	var failed error
	for i := range messages {
		m := &messages[i]
		msg := nats.NewMsg(cluster.Subject(m.Node))
		msg.Data = m.Encode()
		id := fmt.Sprintf("%s-%s-%d", m.Node, m.First, m.Part)
		wait, err := p.js.PublishMsgAsync(msg, jetstream.WithMsgID(id),
			jetstream.WithExpectStream(p.tap.stream.Name))
		if err != nil {
			failed = err
			break
		}
		waits = append(waits, wait)
	}
	timeout := time.NewTimer(ackTimeout)
	defer timeout.Stop()
	for i, wait := range waits {
		select {
		case ack := <-wait.Ok():
			p.acknowledged(&messages[i], ack.Sequence)
		case err := <-wait.Err():
			return fmt.Errorf("publishing to JetStream: %w", err)
		case <-timeout.C:
			return errors.New("publishing to JetStream: no acknowledgement has come")
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if failed != nil {
		return fmt.Errorf("publishing to JetStream: %w", failed)
	}
	return nil
}

// acknowledged notes that the stream has a message.
func (p *publisher) acknowledged(m *cluster.Message, stream uint64) {
	p.tap.metrics.published.Inc()
	if m.Part == 0 {
		p.began = stream
	}
	if m.Part+1 == m.Parts {
		p.sent = m.Last()
		at := p.sent
		p.upTo.Store(&at)
		p.tap.inStream.add(p.sent, p.began)
	}
}
