package gateway

import (
	"net"
	"sync"
	"time"

	"go.uber.org/zap"
)

// refusalPause is the least time between two lines about connections that were refused: whoever
// knocks again and again fills no log.
const refusalPause = time.Minute

// refusals logs the first connection that the listener refuses, and then at most one a minute with
// how many there were. Each is counted in the metrics. The listener calls it from many goroutines.
type refusals struct {
	mu      sync.Mutex
	logged  map[string]time.Time // by event
	silence map[string]int       // refused since then, and not logged
}

// due returns whether a line is due now, and how many refusals it stands for.
func (r *refusals) due(event string, now time.Time) (count int, due bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.logged == nil {
		r.logged, r.silence = map[string]time.Time{}, map[string]int{}
	}
	r.silence[event]++
	if last, ok := r.logged[event]; ok && now.Sub(last) < refusalPause {
		return 0, false
	}
	count = r.silence[event]
	r.logged[event], r.silence[event] = now, 0
	return count, true
}

// LoginRefused implements native.ListenObserver. The port of the client means nothing.
func (w *pbxWorker) LoginRefused(address string) {
	if host, _, err := net.SplitHostPort(address); err == nil {
		address = host
	}
	w.refused(evLoginRefused, "login", zap.String("from", address))
}

// ListenerFailed implements native.ListenObserver.
func (w *pbxWorker) ListenerFailed(text string) {
	w.refused(evListenerFailed, "failed", zap.String("error", text))
}

func (w *pbxWorker) refused(event, why string, what zap.Field) {
	w.metrics.listenerRefused.WithLabelValues(w.name, why).Inc()
	if count, due := w.refusals.due(event, time.Now()); due {
		w.log.Warn(event, what, zap.Int("refused", count))
	}
}
