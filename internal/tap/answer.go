package tap

import (
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"

	"github.com/risposta/gateway/ari/cluster"
)

// The bounds of what meters ask.
const (
	maxRequests   = 256 // that wait, of each kind
	resendBatches = 256 // in one answer
	resendBytes   = 8 << 20
)

// answer answers the meters of a node until the connection is closed.
func (t *Tap) answer(node string) error {
	for subject, handle := range map[string]func(*nats.Msg) error{
		cluster.PassedSubject(node): t.handlePassed,
		cluster.ResendSubject(node): t.handleResend,
		cluster.AskSubject(node):    t.handleAsk,
	} {
		sub, err := t.conn.Subscribe(subject, func(m *nats.Msg) {
			if err := handle(m); err != nil {
				t.metrics.refused.Inc()
				t.log.Warn(evRequestRefused, zap.String("subject", subject), zap.Error(err))
			}
		})
		if err == nil {
			err = sub.SetPendingLimits(maxRequests, maxRequests*cluster.MaxRequest)
		}
		if err != nil {
			return fmt.Errorf("listening on %s: %w", subject, err)
		}
	}
	return nil
}

// handlePassed takes out of the journal what a meter has passed.
func (t *Tap) handlePassed(m *nats.Msg) error {
	var p cluster.Passed
	if err := cluster.ParseRequest(m.Data, &p); err != nil {
		return err
	}
	if node, last := t.journal.end(); last.Before(p.Place) {
		return fmt.Errorf("a meter has passed %s, and the journal ends at %s: another tap sends frames of "+
			"node %s, so give each PBX an entityid of its own in asterisk.conf", p.Place, last, node)
	}
	t.metrics.passedAt.Set(float64(time.Now().Unix()))
	if have := t.passed.Load(); have == nil || have.Before(p.Place) {
		t.passed.Store(&p.Place)
	}
	return t.journal.pass(p.Place)
}

// handleResend sends what a meter misses to the address of the answer.
func (t *Tap) handleResend(m *nats.Msg) error {
	var r cluster.Resend
	if err := cluster.ParseRequest(m.Data, &r); err != nil {
		return err
	}
	if m.Reply == "" {
		return errors.New("a request for frames wants no answer")
	}
	end := cluster.EndDone
	c := t.journal.from(r.After)
	defer c.close()
	for n, bytes := 0, 0; ; n++ {
		b, err := c.next()
		if err != nil {
			return err
		}
		if b == nil || r.Until.Before(b.First) {
			break
		}
		if n == resendBatches || bytes > resendBytes {
			end = cluster.EndMore
			break
		}
		parts, err := b.Split(int(t.conn.MaxPayload()) - headerRoom)
		if err != nil {
			return err
		}
		for i := range parts {
			if err := t.conn.Publish(m.Reply, parts[i].Encode()); err != nil {
				return fmt.Errorf("sending frames again: %w", err)
			}
		}
		bytes += len(b.Body)
		t.metrics.resent.Inc()
	}
	reply := nats.NewMsg(m.Reply)
	reply.Header.Set(cluster.EndHeader, end)
	if err := t.conn.PublishMsg(reply); err != nil {
		return fmt.Errorf("sending frames again: %w", err)
	}
	return nil
}

// handleAsk passes what a meter wants to know on to the source.
func (t *Tap) handleAsk(m *nats.Msg) error {
	var a cluster.Ask
	if err := cluster.ParseRequest(m.Data, &a); err != nil {
		return err
	}
	if a.Resync != "" {
		t.source.Resync(a.Resync)
	}
	if len(a.Probe) > 0 {
		t.source.Probe(a.Probe)
	}
	return nil
}
