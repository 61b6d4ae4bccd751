package gateway

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/risposta/gateway/internal/audit"
	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/internal/heads"
	"github.com/risposta/gateway/metering/ledger/merkle"
)

// openHeads makes the second places of the signed heads. Those of a node have places of their own, by its
// name: a file beside the one that is named, a path below the address.
func openHeads(conf []config.HeadPlace, node string) (places []heads.Place, err error) {
	for i, p := range conf {
		c := heads.Config{To: p.To, Token: p.Token.Reveal()}
		if node != "" && strings.HasPrefix(p.To, "file:") {
			c.To += "." + url.PathEscape(node)
		} else if node != "" && strings.HasPrefix(p.To, "http") {
			c.To += "/" + url.PathEscape(node)
		}
		if p.CAFile != "" {
			if c.CA, err = config.CertPool(p.CAFile); err != nil {
				return nil, fmt.Errorf("ledger.heads[%d]: %w", i, err)
			}
		}
		place, err := heads.Open(c)
		if err != nil {
			return nil, fmt.Errorf("ledger.heads[%d].to: %w", i, err)
		}
		places = append(places, place)
	}
	return places, nil
}

// keepHeads starts to keep the heads in the second places. The newest one of the ledger is the first: the
// last run may have ended before a place had it.
func (s *site) keepHeads(places []heads.Place, own [][]byte) error {
	var first *heads.Line
	if len(own) > 0 {
		note := own[len(own)-1]
		newest, err := merkle.Unverified(note)
		if err != nil {
			return err
		}
		line := heads.NewLine(newest, time.Now())
		first = &line
	}
	for _, p := range places {
		s.gateway.metrics.addHeadPlace(p.String())
	}
	s.heads = heads.Start(places, s.agrees, headObserver{s.log, s.gateway.metrics}, first)
	return nil
}

// agrees compares the ledger with a head that was kept. A ledger that differs is one that was put back
// to an older state, or another.
func (s *site) agrees(ctx context.Context, note []byte) error {
	keys, err := audit.Verifiers(s.gateway.conf.Ledger.KeyFile)
	if err != nil {
		return err
	}
	head, err := merkle.Open(note, keys)
	if err != nil {
		return &heads.DifferError{Err: err}
	}
	if head.Node != s.name {
		return &heads.DifferError{Err: fmt.Errorf("the kept head is of node %q, and this is the log of "+
			"node %q: heads were put in each other's place", head.Node, s.name)}
	}
	agrees, err := s.ledger.Agrees(ctx, head)
	if err == nil && !agrees {
		err = &heads.DifferError{Err: fmt.Errorf("the ledger is not the one whose head was signed at %d "+
			"leaves: it is older, or another; put the right one back, or move the kept heads away", head.N)}
	}
	return err
}

// headObserver turns what becomes of the heads into log lines and metrics. The gateway goes on where a
// ledger differs: calls are metered all the same.
type headObserver struct {
	log     *zap.Logger
	metrics *metrics
}

var _ heads.Observer = headObserver{}

// Waiting implements heads.Observer.
func (o headObserver) Waiting(place string, waits bool) {
	value := 0.0
	if waits {
		value = 1
	}
	o.metrics.headsWaiting.WithLabelValues(place).Set(value)
}

// NotKept implements heads.Observer.
func (o headObserver) NotKept(place string, err error, first bool) {
	o.metrics.headFailures.WithLabelValues(place).Inc()
	if first {
		o.log.Error(evHeadNotKept, zap.String("place", place), zap.Error(err))
	}
}

// KeptAgain implements heads.Observer.
func (o headObserver) KeptAgain(place string) {
	o.log.Info(evHeadKept, zap.String("place", place))
}

// Differs implements heads.Observer.
func (o headObserver) Differs(place string, err error) {
	o.metrics.headsDiffer.WithLabelValues(place).Set(1)
	o.log.Error(evHeadsDiffer, zap.String("place", place), zap.Error(err))
}
