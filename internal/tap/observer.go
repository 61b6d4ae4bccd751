package tap

import (
	"net"
	"time"

	"go.uber.org/zap"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/native"
)

var _ native.Observer = (*Tap)(nil)

// Retrying implements native.Observer.
func (t *Tap) Retrying(err error, wait time.Duration) {
	t.log.Warn(evUnreachable, zap.Error(err), zap.Duration("retry_in_ms", wait))
}

// NotResumed implements native.Observer.
func (t *Tap) NotResumed(err error) { t.log.Warn(evNotResumed, zap.Error(err)) }

// Synced implements native.Observer.
func (t *Tap) Synced(info ari.Info, channels int, took time.Duration) {
	t.synced.Store(true)
	t.metrics.synced.Set(1)
	t.log.Info(evSynced, zap.String("node", info.Node), zap.String("systemname", info.SystemName),
		zap.String("version", info.Version), zap.Int("channels", channels), zap.Duration("took_ms", took))
	if info.SystemName == "" {
		t.log.Warn(evUnnamed, zap.String("node", info.Node), zap.String("error",
			"systemname is not set in asterisk.conf: another PBX could make the same call ids"))
	}
}

// SyncLost implements native.Observer.
func (t *Tap) SyncLost(reason string, err error) {
	t.synced.Store(false)
	t.metrics.synced.Set(0)
	t.metrics.gaps.WithLabelValues(reason).Inc()
	t.log.Warn(evSyncLost, zap.String("reason", reason), zap.Error(err))
}

// Overflowed implements native.Observer.
func (t *Tap) Overflowed() {
	t.synced.Store(false)
	t.metrics.synced.Set(0)
	t.metrics.overflows.Inc()
	t.log.Error(evOverflow)
}

// NotFiltered implements native.Observer.
func (t *Tap) NotFiltered(err error) {
	t.notFiltered.Do(func() { t.log.Warn(evNotFiltered, zap.Error(err)) })
}

// LoginRefused implements native.ListenObserver. The port of the client means nothing.
func (t *Tap) LoginRefused(address string) {
	if host, _, err := net.SplitHostPort(address); err == nil {
		address = host
	}
	t.metrics.loginRefused.WithLabelValues("login").Inc()
	t.log.Warn(evLoginRefused, zap.String("from", address))
}

// ListenerFailed implements native.ListenObserver.
func (t *Tap) ListenerFailed(text string) {
	t.metrics.loginRefused.WithLabelValues("failed").Inc()
	t.log.Warn(evListenerFailed, zap.String("error", text))
}
