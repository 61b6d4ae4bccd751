package gateway

import (
	"fmt"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/native"
	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering"
)

// The vocabulary of the log beside the names of the facts. docs/logs.md says what each means, and a test holds the two together.
const (
	evStarted      = "gateway.started"
	evStopped      = "gateway.stopped"
	evRestored     = "calls.restored"
	evCallBroken   = "call.evidence_broken"
	evHandOver     = "checkpoint.saved"
	evResumed      = "calls.resumed"
	evResumeFailed = "calls.not_resumed"
	evPBXRetry     = "pbx.unreachable"
	evPBXLost      = "pbx.sync_lost"
	evPBXSeen      = "pbx.synced"
	evPBXOverflow  = "pbx.inbox_overflow"
	evPBXClock     = "pbx.clock_jumped"
	evPBXAnonymous = "pbx.unnamed"
	evUnreadable   = "frame.unreadable"
	evCommitFailed = "ledger.commit_failed"
	evSigned       = "ledger.signed"
	evSignFailed   = "ledger.sign_failed"
	evErased       = "ledger.erased"
	evEraseFailed  = "ledger.erase_failed"
	evLookupFailed = "exemption.failed"
	evBreaker      = "exemption.breaker"
	evRerateFailed = "rerating.failed"
	evRecord       = "record.written"
)

// NewLogger makes the gateway's logger: JSON lines, or lines for people.
func NewLogger(c config.Log, sink zapcore.WriteSyncer) (*zap.Logger, error) {
	level, err := zapcore.ParseLevel(c.Level)
	if err != nil {
		return nil, fmt.Errorf("log.level: %w", err)
	}
	conf := zapcore.EncoderConfig{
		TimeKey: "ts", LevelKey: "level", MessageKey: "event",
		EncodeTime:     zapcore.TimeEncoderOfLayout("2006-01-02T15:04:05.000Z07:00"),
		EncodeLevel:    zapcore.LowercaseLevelEncoder,
		EncodeDuration: func(d time.Duration, enc zapcore.PrimitiveArrayEncoder) { enc.AppendInt64(d.Milliseconds()) },
	}
	var enc zapcore.Encoder
	if c.Format == "console" {
		conf.EncodeLevel = zapcore.CapitalLevelEncoder
		conf.EncodeTime = zapcore.TimeEncoderOfLayout("15:04:05.000")
		conf.ConsoleSeparator = "  "
		enc = zapcore.NewConsoleEncoder(conf)
	} else {
		enc = zapcore.NewJSONEncoder(conf)
	}
	return zap.New(zapcore.NewCore(enc, sink, level)), nil
}

// announce tells what has been committed: facts, then records.
func (s *pbxWorker) announce(out *mediation.Output) {
	for _, f := range out.Facts {
		s.log.Info(f.Kind.String(), factFields(f)...)
	}
	for i := range out.Records {
		r := &out.Records[i]
		logRecord(s.log, r)
		s.metrics.records.WithLabelValues(r.Service, string(r.Outcome)).Inc()
		s.metrics.talkSeconds.WithLabelValues(r.Service).Add(float64(r.TalkMs) / 1000)
		s.metrics.unseenSeconds.WithLabelValues(r.Service).Add(float64(r.UnseenMs) / 1000)
	}
}

// logRecord logs a record that has been committed.
func logRecord(log *zap.Logger, r *metering.Record) {
	state := r.State
	if state == "" {
		state = "final"
	}
	log.Info(evRecord,
		zap.String("record", r.Record), zap.Int("version", r.Version), zap.String("call", string(r.Call)), zap.String("service", r.Service),
		zap.String("caller", r.Caller), zap.String("outcome", string(r.Outcome)), zap.String("state", state), zap.Int64("waited_ms", r.WaitedMs),
		zap.Int64("held_ms", r.HeldMs), zap.Int64("unseen_ms", r.UnseenMs), zap.Int64("talk_ms", r.TalkMs),
		zap.Int64("billable_seconds", r.BillableSeconds), zap.Bool("exempt", r.Exempt), zap.String("amount", r.Charge.String()),
		zap.String("currency", r.Charge.Currency), zap.String("tariff", r.Tariff), zap.String("policy", r.Policy), zap.Any("reasons", r.Reasons))
}

func factFields(f metering.Fact) []zap.Field {
	fields := []zap.Field{zap.String("call", string(f.Call)), zap.String("at", metering.Time{Time: f.At}.String())}
	switch f.Kind {
	case metering.CallArrived:
		fields = append(fields, zap.String("node", f.Node), zap.String("service", f.Service), zap.String("caller", f.Caller))
	case metering.QueueJoined, metering.QueueLeft:
		fields = append(fields, zap.String("queue", f.Queue))
	case metering.TalkStarted:
		fields = append(fields, zap.String("operator", f.Operator), zap.String("queue", f.Queue))
	case metering.TalkPaused, metering.GapEnded:
		fields = append(fields, zap.String("state", f.State.String()))
		if f.Operator != "" {
			fields = append(fields, zap.String("operator", f.Operator))
		}
	case metering.GapStarted:
		fields = append(fields, zap.String("reason", f.Why))
	case metering.ExemptionAnswered:
		fields = append(fields, zap.String("exempt", f.Exemption.Verdict.String()), zap.String("ref", f.Exemption.Ref))
	case metering.NumberReached:
		fields = append(fields, zap.String("kind", f.Why))
	case metering.AnnouncementMade:
		fields = append(fields, zap.Bool("announced", !f.Announcement.AnnouncedAt.IsZero()), zap.Bool("free", f.Announcement.Free),
			zap.String("consent", f.Announcement.Consent), zap.String("tariff", f.Announcement.Tariff))
	case metering.SurveyAnswered:
		fields = append(fields, zap.Int("satisfaction", f.Survey.Satisfaction), zap.String("solved", f.Survey.Solved))
	case metering.CallerAnswered, metering.CallerAtDesk, metering.TalkRetracted:
	case metering.CallEnded:
		fields = append(fields, zap.String("ended_by", f.Why))
	}
	return fields
}

// maxNoted bounds the kinds of unreadable frames that are remembered as logged.
const maxNoted = 64

// note counts an unreadable frame, and logs the first of each type.
func (s *pbxWorker) note(bad *ari.Unreadable) {
	s.metrics.unreadable.WithLabelValues(s.name).Inc()
	if s.noted[bad.Type] || len(s.noted) >= maxNoted {
		return
	}
	s.noted[bad.Type] = true
	s.log.Warn(evUnreadable, zap.String("type", bad.Type), zap.Int("bytes", bad.Bytes), zap.Bool("doubtful", bad.Doubtful()), zap.Error(bad.Err))
}

// Retrying implements native.Observer.
func (s *pbxWorker) Retrying(err error, wait time.Duration) {
	s.log.Warn(evPBXRetry, zap.Error(err), zap.Duration("retry_in_ms", wait))
}

// Lost implements native.Observer.
func (s *pbxWorker) Lost(reason string, err error) {
	s.sight.Store(false)
	s.metrics.sight.WithLabelValues(s.name).Set(0)
	s.metrics.sightLost.WithLabelValues(s.name, reason).Inc()
	s.log.Warn(evPBXLost, zap.String("reason", reason), zap.Error(err))
}

// Regained implements native.Observer.
func (s *pbxWorker) Regained(info native.Info, channels int, took time.Duration) {
	s.sight.Store(true)
	s.metrics.sight.WithLabelValues(s.name).Set(1)
	s.log.Info(evPBXSeen, zap.String("node", info.Node), zap.String("systemname", info.SystemName),
		zap.String("version", info.Version), zap.Int("channels", channels), zap.Duration("took_ms", took))
	if info.SystemName == "" {
		s.log.Warn(evPBXAnonymous, zap.String("node", info.Node), zap.String("error", "systemname is not set in asterisk.conf: another PBX could make the same call ids"))
	}
}

// Overflowed implements native.Observer.
func (s *pbxWorker) Overflowed() {
	s.sight.Store(false)
	s.metrics.sight.WithLabelValues(s.name).Set(0)
	s.metrics.overflows.WithLabelValues(s.name).Inc()
	s.log.Error(evPBXOverflow)
}
