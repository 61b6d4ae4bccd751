package gateway

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/risposta/gateway/ari/frontdesk"
	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/internal/lookups"
	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/exemption"
	"github.com/risposta/gateway/metering/policy"
)

// clerk answers the front desk of one PBX: what a caller is to be told, whether a code is valid; and carries what was told to the meter. It knows the calls
// that have arrived and not ended, from the pump.
type clerk struct {
	rules   mediation.Rules
	lookups *lookups.Lookups
	metrics *metrics
	log     *zap.Logger
	words   chan word // to the pump

	mu    sync.Mutex
	calls map[metering.CallID]arrival
	came  chan struct{} // closed, and made anew, at each arrival
}

var _ frontdesk.Backend = (*clerk)(nil)

// arrival is what the clerk needs of a call.
type arrival struct {
	service string
	at      time.Time
	number  metering.Number
}

// word is what the front desk has for the meter: an announcement, or an exemption by a code.
type word struct {
	call         metering.CallID
	announcement *metering.Announcement
	exemption    metering.Exemption
}

const (
	// maxWords bounds the words on their way to the pump, which may be waiting for the disk. One more waits, and then its call is free.
	maxWords = 1024
	// wordTimeout is how long a word waits for the pump: longer would keep a caller.
	wordTimeout = time.Second
	// offerWait is how long a caller waits for the call to be known, and for whether its caller is exempt, before something is told.
	offerWait = time.Second
)

func newClerk(d *Gateway, rules mediation.Rules) *clerk {
	return &clerk{
		rules: rules, lookups: d.lookups, metrics: d.metrics, log: d.log, words: make(chan word, maxWords),
		calls: map[metering.CallID]arrival{}, came: make(chan struct{}),
	}
}

// arrived notes a call.
func (c *clerk) arrived(q mediation.Ask, service string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls[q.Call] = arrival{service: service, at: q.At, number: q.Number}
	close(c.came)
	c.came = make(chan struct{})
}

// ended forgets a call.
func (c *clerk) ended(call metering.CallID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.calls, call)
}

// find waits for the call to arrive.
func (c *clerk) find(ctx context.Context, call metering.CallID) (arrival, bool) {
	for {
		c.mu.Lock()
		a, ok := c.calls[call]
		came := c.came
		c.mu.Unlock()
		if ok {
			return a, true
		}
		select {
		case <-came:
		case <-ctx.Done():
			return a, false
		}
	}
}

// Offer implements frontdesk.Backend.
func (c *clerk) Offer(ctx context.Context, call metering.CallID) (frontdesk.Offer, bool) {
	ctx, cancel := context.WithTimeout(ctx, offerWait)
	defer cancel()
	a, ok := c.find(ctx, call)
	if !ok {
		return frontdesk.Offer{}, false
	}
	terms := c.rules.Terms(a.service, a.at)
	if terms.Tariff == nil || terms.Tariff.HighestPrice().Sign() == 0 {
		return frontdesk.Offer{Free: true}, true
	}
	// Where nobody can say in time whether the caller is exempt, the price is told: it may yet be due.
	if got, err := c.lookups.Exempt(ctx, a.number, a.at); err == nil && got.Verdict == metering.ExemptYes {
		return frontdesk.Offer{Free: true}, true
	}
	return frontdesk.Offer{
		Tariff: terms.Tariff.Ref(), PerMinute: terms.Tariff.PerMinute, Currency: terms.Tariff.Currency,
		Consent: terms.Policy.Has(policy.Consent), Codes: c.lookups.Registry != nil,
	}, true
}

// Code implements frontdesk.Backend.
func (c *clerk) Code(ctx context.Context, call metering.CallID, code string) bool {
	a, ok := c.find(ctx, call)
	if !ok || c.lookups.Registry == nil {
		return false
	}
	got, err := c.lookups.Registry.ExemptCode(ctx, code, a.at)
	result := got.Verdict.String()
	if err != nil {
		result = "failed"
		c.log.Warn(evLookupFailed, zap.String("call", string(call)), zap.Error(err))
	}
	c.metrics.lookups.WithLabelValues("code", result).Inc()
	if err != nil || got.Verdict != metering.ExemptYes {
		return false
	}
	return c.send(ctx, word{call: call, exemption: got.Exemption}) == nil
}

// Admit implements frontdesk.Backend.
func (c *clerk) Admit(ctx context.Context, call metering.CallID, a metering.Announcement) error {
	return c.send(ctx, word{call: call, announcement: &a})
}

func (c *clerk) send(ctx context.Context, w word) error {
	select {
	case c.words <- w:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(wordTimeout):
		return errors.New("the meter is busy")
	}
}

// Left implements frontdesk.Observer.
func (c *clerk) Left(service, result string) {
	if service != "announce" && service != "survey" {
		service = "other"
	}
	c.metrics.desk.WithLabelValues(service, result).Inc()
}

// deskConfig is the front desk as the configuration wants it.
func deskConfig(c *config.Config) frontdesk.Config {
	return frontdesk.Config{Language: c.FrontDesk.Language, HangUpRefusers: c.FrontDesk.WithoutConsent == config.HangUp}
}

var _ exemption.Lookup = (*lookups.Lookups)(nil)

// hear takes in what the front desk has said. What it says of calls that the pump has not met yet is kept until it has.
func (s *pbxWorker) hear(out *mediation.Output) {
	words := s.early
	s.early = nil
	for range maxWords {
		select {
		case w := <-s.clerk.words:
			words = append(words, w)
			continue
		default:
		}
		break
	}
	for _, w := range words {
		switch {
		case s.mediator.Call(w.call) == nil:
			s.early = append(s.early, w)
		case w.announcement != nil:
			s.mediator.Admit(w.call, *w.announcement, out)
		default:
			s.mediator.Answer(w.call, w.exemption, out)
		}
	}
}
