package gateway

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/frontdesk"
	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/internal/lookups"
	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/exemption"
)

// deskBackend is the backend of one PBX's front desk. It knows the calls that have arrived and not
// ended, from the worker, and carries what callers heard back to it.
type deskBackend struct {
	lookup   lookups.ByNumber
	codes    exemption.Codes // nil: there are none
	metrics  *metrics
	log      *zap.Logger
	messages chan deskMessage // to the worker
	wanted   chan struct{}    // holds a token while the desk waits for a call that may be in the queue
	tellWait bool             // how long the wait is expected to be, under every policy

	mu      sync.Mutex
	waits   waitBook
	calls   map[metering.CallID]deskCall
	tries   codeTries
	arrival chan struct{} // closed, and made anew, at each arrival
}

var (
	_ frontdesk.Backend  = (*deskBackend)(nil)
	_ frontdesk.Observer = (*deskBackend)(nil)
)

// deskCall is what the desk needs of a call.
type deskCall struct {
	terms   metering.Terms
	service string
	arrived time.Time
	trunk   string
	number  metering.Number    // withheld where it is not known
	known   metering.Exemption // what the last run knew, or a lookup has answered since
	ahead   int                // callers of the service who waited as this one arrived
	talked  bool               // with an operator
}

// deskMessage is what the desk has for the meter: an announcement, or an exemption by a code.
type deskMessage struct {
	call         metering.CallID
	announcement *metering.Announcement // nil: exemption counts
	exemption    metering.Exemption
}

const (
	// maxMessages bounds the messages to the worker, which may be waiting for the disk. One more
	// waits for messageTimeout, and then its call is free: a longer wait would keep a caller.
	maxMessages    = 1024
	messageTimeout = time.Second
	// offerTimeout is how long a caller waits for the call to arrive and for the answer whether the
	// caller is exempt, before the announcement begins.
	offerTimeout = time.Second
)

func newDeskBackend(d *Gateway, lookup lookups.ByNumber) *deskBackend {
	b := &deskBackend{
		lookup: lookup, metrics: d.metrics, log: d.log,
		messages: make(chan deskMessage, maxMessages), wanted: make(chan struct{}, 1),
		tellWait: d.conf.FrontDesk.TellWait, waits: newWaitBook(),
		calls: map[metering.CallID]deskCall{}, arrival: make(chan struct{}),
	}
	if r := d.lookups.Registry; r != nil {
		b.codes = r
	}
	return b
}

// arrived notes an open call, a new one or one of the last run.
func (b *deskBackend) arrived(c *metering.Call, number metering.Number) {
	b.mu.Lock()
	defer b.mu.Unlock()
	call := deskCall{
		terms: c.Terms, arrived: c.ArrivedAt, trunk: c.Origin.Trunk, number: number,
		known: c.Exemption, service: c.Service, talked: !c.TalkBegan.IsZero(),
	}
	if before, again := b.calls[c.ID]; again { // its number has come
		call.ahead, call.talked = before.ahead, before.talked
	} else if !call.talked {
		call.ahead = b.waits.joins(c.Service)
	}
	b.calls[c.ID] = call
	close(b.arrival)
	b.arrival = make(chan struct{})
}

// answered notes that an operator talks with the caller since an instant of the PBX's clock.
func (b *deskBackend) answered(call metering.CallID, at time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c, ok := b.calls[call]
	if !ok || c.talked {
		return
	}
	c.talked = true
	b.calls[call] = c
	b.waits.answered(c.service, time.Now(), at.Sub(c.arrived), c.ahead)
}

// ended forgets a call.
func (b *deskBackend) ended(call metering.CallID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if c, ok := b.calls[call]; ok && !c.talked {
		b.waits.leaves(c.service)
	}
	delete(b.calls, call)
}

// await returns a call, and waits for it to arrive until ctx ends.
func (b *deskBackend) await(ctx context.Context, call metering.CallID) (deskCall, bool) {
	for {
		b.mu.Lock()
		c, ok := b.calls[call]
		arrival := b.arrival
		b.mu.Unlock()
		if ok {
			return c, true
		}
		select {
		case b.wanted <- struct{}{}:
		default:
		}
		select {
		case <-arrival:
		case <-ctx.Done():
			return c, false
		}
	}
}

// CheckCode implements frontdesk.Backend.
func (b *deskBackend) CheckCode(ctx context.Context, call metering.CallID, code string) bool {
	c, ok := b.await(ctx, call)
	if !ok || b.codes == nil {
		return false
	}
	if who, ok := b.tries.count(c, time.Now()); !ok {
		b.metrics.exemptionLookups.WithLabelValues("code", "limited").Inc()
		b.log.Warn(evCodeTries, zap.String("call", string(call)), zap.String("of", who))
		return false
	}
	got, err := b.codes.ExemptCode(ctx, code, c.arrived)
	result := got.Verdict.String()
	if err != nil || got.Verdict == metering.ExemptYes {
		b.tries.right(c)
	}
	if err != nil {
		result = "failed"
		b.log.Warn(evLookupFailed, zap.String("call", string(call)), zap.Error(err))
	}
	b.metrics.exemptionLookups.WithLabelValues("code", result).Inc()
	if err != nil || got.Verdict != metering.ExemptYes {
		return false
	}
	return b.send(ctx, deskMessage{call: call, exemption: got.Exemption}) == nil
}

// Announced implements frontdesk.Backend.
func (b *deskBackend) Announced(
	ctx context.Context, call metering.CallID, a metering.Announcement,
) error {
	return b.send(ctx, deskMessage{call: call, announcement: &a})
}

func (b *deskBackend) send(ctx context.Context, m deskMessage) error {
	select {
	case b.messages <- m:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(messageTimeout):
		return errors.New("the meter is busy")
	}
}

// Left implements frontdesk.Observer.
func (b *deskBackend) Left(service, result string) {
	switch service {
	case ari.AskAnnouncement, ari.AskSurvey, ari.AskText:
	default:
		service = "other"
	}
	b.metrics.deskCallers.WithLabelValues(service, result).Inc()
}

// TextSent implements frontdesk.Observer. What the caller's phone makes of the text no event says.
func (b *deskBackend) TextSent(status string) {
	result := "failed"
	if status == "SUCCESS" {
		result = "sent"
	}
	b.metrics.deskTexts.WithLabelValues(result).Inc()
}

// deskConfig is the front desk as the configuration wants it.
func deskConfig(c *config.Config) frontdesk.Config {
	return frontdesk.Config{
		Language:       c.FrontDesk.Language,
		HangUpRefusers: c.FrontDesk.WithoutConsent == config.HangUp,
		Slow:           c.FrontDesk.Pace == config.Slow,
	}
}

// deliverMessages passes the desk's messages to the mediator. Those about calls that have not
// arrived yet are kept until they have.
func (w *pbxWorker) deliverMessages(out *mediation.Output) {
	messages := w.unmatched
	w.unmatched = nil
	for range maxMessages {
		select {
		case m := <-w.deskBackend.messages:
			messages = append(messages, m)
			continue
		default:
		}
		break
	}
	for _, m := range messages {
		switch {
		case w.mediator.Call(m.call) == nil:
			w.unmatched = append(w.unmatched, m)
		case m.announcement != nil:
			w.mediator.Announced(m.call, *m.announcement, out)
		default:
			w.mediator.Answer(m.call, m.exemption, out)
		}
	}
}
