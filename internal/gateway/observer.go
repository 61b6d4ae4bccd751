package gateway

import (
	"net"
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

// doubtPause is the least time between two snapshots that unreadable frames ask for: each one is a
// short gap for every call.
const doubtPause = 5 * time.Second

func (w *pbxWorker) resyncAfterDoubt() {
	if now := time.Now(); now.Sub(w.lastResync) >= doubtPause {
		w.lastResync = now
		w.source.Resync(ari.GapUnreadable)
	}
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
		zap.String("reason", why))
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

// LoginRefused implements native.ListenObserver. The port of the client means nothing.
func (w *pbxWorker) LoginRefused(address string) {
	if host, _, err := net.SplitHostPort(address); err == nil {
		address = host
	}
	w.metrics.listenerRefused.WithLabelValues(w.name, "login").Inc()
	w.log.Warn(evLoginRefused, zap.String("from", address))
}

// ListenerFailed implements native.ListenObserver.
func (w *pbxWorker) ListenerFailed(text string) {
	w.metrics.listenerRefused.WithLabelValues(w.name, "failed").Inc()
	w.log.Warn(evListenerFailed, zap.String("error", text))
}

// NotResumed implements native.Observer.
func (w *pbxWorker) NotResumed(err error) { w.log.Warn(evNotResumed, zap.Error(err)) }

// Synced implements native.Observer.
func (w *pbxWorker) Synced(info ari.Info, channels int, took time.Duration) {
	w.setSync(syncState{synced: true, node: info.Node})
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
	w.setSync(syncState{reason: reason})
	w.metrics.pbxGaps.WithLabelValues(w.name, reason).Inc()
	w.log.Warn(evSyncLost, zap.String("reason", reason), zap.Error(err))
}

// Overflowed implements native.Observer.
func (w *pbxWorker) Overflowed() {
	w.setSync(syncState{reason: ari.GapOverflow})
	w.metrics.inboxOverflows.WithLabelValues(w.name).Inc()
	w.log.Error(evOverflow)
}

// syncState is whether a PBX is synced.
type syncState struct {
	synced bool
	node   string    // of the last snapshot
	since  time.Time // by this machine's clock
	reason string    // of the gap
}

// setSync notes that the PBX is synced from now on, or is not. A gap goes on from where it began.
func (w *pbxWorker) setSync(s syncState) {
	s.since = time.Now()
	if was := w.sync.Load(); was != nil {
		if !s.synced && !was.synced && !was.since.IsZero() {
			s.since = was.since
		}
		if s.node == "" {
			s.node = was.node
		}
	}
	w.sync.Store(&s)
	value := 0.0
	if s.synced {
		value = 1
	}
	w.metrics.pbxSynced.WithLabelValues(w.name).Set(value)
}

// isSynced reports whether every event of the PBX is received.
func (w *pbxWorker) isSynced() bool {
	s := w.sync.Load()
	return s != nil && s.synced
}
