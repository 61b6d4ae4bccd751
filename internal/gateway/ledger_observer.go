package gateway

import (
	"time"

	"go.uber.org/zap"

	"github.com/risposta/gateway/internal/heads"
	"github.com/risposta/gateway/internal/rerating"
	"github.com/risposta/gateway/internal/retention"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger/merkle"
)

// observer turns what rerating and retention have committed into log lines and metrics.
type observer struct{ site *site }

var (
	_ rerating.Observer  = observer{}
	_ retention.Observer = observer{}
)

func (o observer) metrics() *metrics { return o.site.gateway.metrics }

// Pending implements rerating.Observer.
func (o observer) Pending(records int) {
	o.site.pending.Store(int64(records))
	o.metrics().pendingRecords.Set(float64(o.site.gateway.sites.pending()))
}

// Rerated implements rerating.Observer.
func (o observer) Rerated(why metering.Reason, r *metering.Record) {
	o.metrics().rerated.WithLabelValues(string(why)).Inc()
	logRecord(o.site.log, r)
}

// RerateFailed implements rerating.Observer.
func (o observer) RerateFailed(call metering.CallID, err error) {
	o.site.log.Error(evReratingFailed, zap.String("call", string(call)), zap.Error(err))
}

// Unreadable implements rerating.Observer.
func (o observer) Unreadable(records int) { o.metrics().unreadableRecords.Set(float64(records)) }

// Signed implements retention.Observer.
func (o observer) Signed(head merkle.Head) {
	o.site.log.Info(evSigned, zap.Int64("leaves", head.N), zap.Stringer("root", head.Hash),
		zap.ByteString("head", head.Note))
	o.site.heads.Keep(heads.NewLine(head, time.Now()))
}

// LogCovered implements retention.Observer.
func (o observer) LogCovered(at time.Time) {
	o.metrics().signedAt.Set(float64(at.UnixMilli()) / 1000)
}

// SignFailed implements retention.Observer.
func (o observer) SignFailed(err error) {
	o.metrics().signFailures.Inc()
	o.site.log.Error(evSignFailed, zap.Error(err))
}

// Erased implements retention.Observer.
func (o observer) Erased(calls int) { o.site.log.Info(evErased, zap.Int("calls", calls)) }

// RepeatsFailed implements retention.Observer.
func (o observer) RepeatsFailed(err error) { o.site.log.Error(evRepeatsFailed, zap.Error(err)) }

// EraseFailed implements retention.Observer.
func (o observer) EraseFailed(err error) { o.site.log.Error(evEraseFailed, zap.Error(err)) }
