package gateway

import (
	"fmt"
	"slices"
	"time"

	"github.com/coreos/go-systemd/v22/journal"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/quality"
)

// The events of the log, beside the names of the facts. docs/logs.md explains each, and a test
// holds the two together.
const (
	evStarted         = "gateway.started"
	evStopped         = "gateway.stopped"
	evNotNotified     = "gateway.not_notified"
	evConfigReloaded  = "config.reloaded"
	evConfigRefused   = "config.refused"
	evRestored        = "calls.restored"
	evSetAside        = "call.set_aside"
	evCheckpointSaved = "checkpoint.saved"
	evResumed         = "calls.resumed"
	evNotResumed      = "calls.not_resumed"
	evAdminRefused    = "gateway.admin_refused"
	evLoginRefused    = "pbx.login_refused"
	evListenerFailed  = "pbx.listener_failed"
	evUnreachable     = "pbx.unreachable"
	evSyncLost        = "pbx.sync_lost"
	evSynced          = "pbx.synced"
	evOverflow        = "pbx.inbox_overflow"
	evClockJumped     = "pbx.clock_jumped"
	evUnnamed         = "pbx.unnamed"
	evNotFiltered     = "pbx.not_filtered"
	evProxyConnected  = "pbx.proxy_connected"
	evProxyLost       = "pbx.proxy_lost"
	evUnmatched       = "call.unmatched"
	evUnreadable      = "frame.unreadable"
	evCommitFailed    = "ledger.commit_failed"
	evSigned          = "ledger.signed"
	evSignFailed      = "ledger.sign_failed"
	evHeadsDiffer     = "ledger.heads_differ"
	evHeadKept        = "ledger.head_kept"
	evHeadNotKept     = "ledger.head_not_kept"
	evWALLong         = "ledger.wal_long"
	evWALCut          = "ledger.wal_cut"
	evErased          = "ledger.erased"
	evEraseFailed     = "ledger.erase_failed"
	evRepeatsFailed   = "ledger.repeats_failed"
	evDeliveryFailing = "delivery.failing"
	evDeliveryResumed = "delivery.resumed"
	evDeadLetter      = "delivery.dead_letter"
	evLookupFailed    = "exemption.failed"
	evBreaker         = "exemption.breaker"
	evReratingFailed  = "rerating.failed"

	evConfigNeedsRestart  = "config.needs_restart"
	evCodeTries           = "exemption.code_tries"
	evRegisterUnusable    = "exemption.register_unusable"
	evRegisterUsable      = "exemption.register_usable"
	evRegisterNotScrubbed = "exemption.register_not_scrubbed"
	evRecord              = "record.written"

	evNATSLost          = "nats.disconnected"
	evNATSConnected     = "nats.connected"
	evNATSRefused       = "nats.refused"
	evMessageUnreadable = "nats.message_unreadable"
	evResent            = "nats.resent"
	evMetersApart       = "meter.apart"
	evNodesUnknown      = "meter.nodes_unknown"
	evNodeTaken         = "node.taken"
	evNodeNotTaken      = "node.not_taken"
	evNodeLost          = "node.lost"
	evNodeFailed        = "node.failed"
	evNodeReleased      = "node.released"
	evNodeNotReleased   = "node.not_released"
)

// NewLogger makes the gateway's logger: JSON lines, or lines for people to read.
func NewLogger(c config.Log, sink zapcore.WriteSyncer) (*zap.Logger, error) {
	level, enc, err := encoder(c)
	if err != nil {
		return nil, err
	}
	lines := &lines{sink: sink}
	return zap.New(lineCore{newLimited(zapcore.NewCore(enc, lines, level)), lines}), nil
}

// NewStdoutLogger makes a logger that writes to standard output, which is sink: as [NewLogger] does,
// or, where it is systemd's journal, to the journal with fields.
func NewStdoutLogger(c config.Log, sink zapcore.WriteSyncer) (*zap.Logger, error) {
	if !toJournal() {
		return NewLogger(c, sink)
	}
	level, enc, err := encoder(c)
	if err != nil {
		return nil, err
	}
	return zap.New(newLimited(&journalCore{
		LevelEnabler: level, enc: enc, send: journal.Send, or: sink,
	})), nil
}

func encoder(c config.Log) (zapcore.Level, zapcore.Encoder, error) {
	level, err := zapcore.ParseLevel(c.Level)
	if err != nil {
		return level, nil, fmt.Errorf("log.level: %w", err)
	}
	conf := zapcore.EncoderConfig{
		TimeKey: "ts", LevelKey: "level", MessageKey: "event",
		EncodeTime:  zapcore.TimeEncoderOfLayout("2006-01-02T15:04:05.000Z07:00"),
		EncodeLevel: zapcore.LowercaseLevelEncoder,
		EncodeDuration: func(d time.Duration, enc zapcore.PrimitiveArrayEncoder) {
			enc.AppendInt64(d.Milliseconds())
		},
	}
	if c.Format != "console" {
		return level, zapcore.NewJSONEncoder(conf), nil
	}
	conf.EncodeLevel = zapcore.CapitalLevelEncoder
	conf.EncodeTime = zapcore.TimeEncoderOfLayout("15:04:05.000")
	conf.ConsoleSeparator = "  "
	return level, zapcore.NewConsoleEncoder(conf), nil
}

// report logs and counts what has been committed: calls set aside, facts, then records.
func (w *pbxWorker) report(out *mediation.Output) {
	defer holdLines(w.log)()
	for _, a := range out.SetAside {
		w.log.Error(evSetAside, zap.String("call", string(a.Call)), zap.String("error", a.Why))
		w.metrics.callsSetAside.WithLabelValues(w.name).Inc()
	}
	for _, f := range out.Facts {
		w.log.Info(f.Kind.String(), factFields(f)...)
		if f.Kind == metering.CallArrived {
			w.countCaller(f)
		}
	}
	for _, u := range out.Unmatched {
		w.countUnmatched(u)
	}
	for i := range out.Records {
		r := &out.Records[i]
		logRecord(w.log, r)
		w.metrics.records.WithLabelValues(r.Service, string(r.Outcome)).Inc()
		w.metrics.talkSeconds.WithLabelValues(r.Service).Add(seconds(r.TalkMs))
		w.metrics.unseenSeconds.WithLabelValues(r.Service).Add(seconds(r.UnseenMs))
		w.metrics.countWait(r)
	}
}

// countWait counts the first wait of a record, as the quality of service has it.
func (m *metrics) countWait(r *metering.Record) {
	if slices.Contains(r.Reasons, metering.ReasonAnsweredEarly) {
		m.answeredEarly.WithLabelValues(r.Service).Inc()
	}
	for _, row := range quality.Of(*r) {
		if row.Level() != quality.LevelService {
			continue
		}
		if row.Wait.Count() > 0 {
			m.waitSeconds.WithLabelValues(r.Service, "answered").Observe(seconds(row.Wait.SumMs()))
		}
		if row.AbandonedWait.Count() > 0 {
			m.waitSeconds.WithLabelValues(r.Service, "abandoned").Observe(seconds(row.AbandonedWait.SumMs()))
		}
	}
}

func seconds(ms int64) float64 { return float64(ms) / 1000 }

// logRecord logs a record that has been committed.
func logRecord(log *zap.Logger, r *metering.Record) {
	state := r.State
	if state == "" {
		state = "final"
	}
	log.Info(evRecord,
		zap.String("record", r.Record), zap.Int("version", r.Version),
		zap.String("call", string(r.Call)), zap.String("service", r.Service),
		zap.String("caller", r.Caller), zap.String("outcome", string(r.Outcome)),
		zap.String("state", state), zap.Int64("waited_ms", r.WaitedMs),
		zap.Int64("held_ms", r.HeldMs), zap.Int64("unseen_ms", r.UnseenMs),
		zap.Int64("talk_ms", r.TalkMs), zap.Int64("billable_seconds", r.BillableSeconds),
		zap.Bool("exempt", r.Exempt), zap.String("amount", r.Charge.String()),
		zap.String("currency", r.Charge.Currency), zap.String("tariff", r.Tariff),
		zap.String("policy", r.Policy), zap.Any("reasons", r.Reasons))
}

func factFields(f metering.Fact) []zap.Field {
	fields := []zap.Field{
		zap.String("call", string(f.Call)), zap.String("at", metering.Time{Time: f.At}.String()),
	}
	switch f.Kind {
	case metering.CallArrived:
		fields = append(fields, zap.String("node", f.Node), zap.String("service", f.Service),
			zap.String("caller", f.Caller))
		if f.DirectionUnknown {
			fields = append(fields, zap.String("direction", "unknown"))
		}
	case metering.CallerIdentified:
		fields = append(fields, zap.String("caller", f.Caller))
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
	case metering.TalkUnproven:
		fields = append(fields, zap.String("since", metering.Time{Time: f.Since}.String()),
			zap.String("reason", f.Why))
	case metering.TalkHeld:
		fields = append(fields, zap.String("since", metering.Time{Time: f.Since}.String()))
	case metering.ExemptionAnswered:
		fields = append(fields, zap.String("exempt", f.Exemption.Verdict.String()),
			zap.String("ref", f.Exemption.Ref))
	case metering.NumberReached:
		fields = append(fields, zap.String("kind", f.Why))
	case metering.AnnouncementMade:
		a := f.Announcement
		fields = append(fields, zap.Bool("announced", !a.AnnouncedAt.IsZero()),
			zap.Bool("free", a.Free), zap.String("consent", a.Consent), zap.String("tariff", a.Tariff),
			zap.Bool("wait_told", !a.WaitToldAt.IsZero()), zap.Int64("wait_seconds", a.WaitSeconds))
	case metering.SurveyAnswered:
		fields = append(fields, zap.Int("satisfaction", f.Survey.Satisfaction),
			zap.String("solved", f.Survey.Solved))
	case metering.CallerChose, metering.CallerTookOver, metering.CallerAnswered,
		metering.CallerAtDesk, metering.TalkRetracted:
	case metering.CallEnded:
		fields = append(fields, zap.String("ended_by", f.Why))
	}
	return fields
}
