package gateway

import (
	"time"

	"go.uber.org/zap"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/native"
	"github.com/risposta/gateway/ari/talkpath"
	"github.com/risposta/gateway/internal/mediation"
)

var _ native.Observer = (*pbxWorker)(nil)

// maxLoggedTypes bounds the types of unreadable frames that are remembered as logged.
const maxLoggedTypes = 64

// countUnreadable counts an unreadable frame, and logs the first of each type.
func (w *pbxWorker) countUnreadable(bad *ari.Unreadable) {
	w.metrics.unreadableFrames.WithLabelValues(w.name).Inc()
	if w.loggedTypes[bad.Type] || len(w.loggedTypes) >= maxLoggedTypes {
		return
	}
	w.loggedTypes[bad.Type] = true
	w.log.Warn(evUnreadable, zap.String("type", bad.Type), zap.Int("bytes", bad.Bytes),
		zap.Bool("doubtful", bad.Doubtful()), zap.Error(bad.Err))
}

// maxLoggedExts bounds the extensions that are remembered as logged.
const maxLoggedExts = 256

// countUnmatched counts a call that never was on a service, and logs the first of each extension. An
// extension may be the number of a person.
func (w *pbxWorker) countUnmatched(u talkpath.Unmatched) {
	why := "no_service"
	if u.Talked {
		why = "talk"
	}
	w.metrics.unmatchedCalls.WithLabelValues(w.name, why).Inc()
	ext := ari.MaskDigits(u.Exten)
	key := why + " " + ext + "@" + u.Context
	if w.loggedExts[key] || len(w.loggedExts) >= maxLoggedExts {
		return
	}
	w.loggedExts[key] = true
	w.log.Warn(evUnmatched, zap.String("extension", ext), zap.String("context", u.Context),
		zap.String("why", why))
}

// setMayCall tells the channels that may be a caller's from those of operators.
func (w *pbxWorker) setMayCall(operators mediation.Globs) {
	globs, err := mediation.NewGlobs(operators.Patterns()...) // its own: so has the source a goroutine
	mayCall := func(c ari.Channel) bool { return err == nil && !globs.Match(c.Endpoint()) }
	w.mayCall.Store(&mayCall)
}

// Retrying implements native.Observer.
func (w *pbxWorker) Retrying(err error, wait time.Duration) {
	w.log.Warn(evUnreachable, zap.Error(err), zap.Duration("retry_in_ms", wait))
}

// NotResumed implements native.Observer.
func (w *pbxWorker) NotResumed(err error) { w.log.Warn(evNotResumed, zap.Error(err)) }

// Synced implements native.Observer.
func (w *pbxWorker) Synced(info ari.Info, channels int, took time.Duration) {
	w.synced.Store(true)
	w.metrics.pbxSynced.WithLabelValues(w.name).Set(1)
	w.log.Info(evSynced, zap.String("node", info.Node), zap.String("systemname", info.SystemName),
		zap.String("version", info.Version), zap.Int("channels", channels),
		zap.Duration("took_ms", took))
	if info.SystemName == "" {
		w.log.Warn(evUnnamed, zap.String("node", info.Node), zap.String("error",
			"systemname is not set in asterisk.conf: another PBX could make the same call ids"))
	}
}

// NotFiltered implements native.Observer.
func (w *pbxWorker) NotFiltered(err error) {
	w.metrics.notFiltered.WithLabelValues(w.name).Inc()
	w.loggedNotFiltered.Do(func() { w.log.Warn(evNotFiltered, zap.Error(err)) })
}

// SyncLost implements native.Observer.
func (w *pbxWorker) SyncLost(reason string, err error) {
	w.synced.Store(false)
	w.metrics.pbxSynced.WithLabelValues(w.name).Set(0)
	w.metrics.pbxGaps.WithLabelValues(w.name, reason).Inc()
	w.log.Warn(evSyncLost, zap.String("reason", reason), zap.Error(err))
}

// Overflowed implements native.Observer.
func (w *pbxWorker) Overflowed() {
	w.synced.Store(false)
	w.metrics.pbxSynced.WithLabelValues(w.name).Set(0)
	w.metrics.inboxOverflows.WithLabelValues(w.name).Inc()
	w.log.Error(evOverflow)
}
