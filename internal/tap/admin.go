package tap

import (
	"context"
	"errors"
	"fmt"
	"log" //nolint:depguard // net/http takes no other logger; what it says goes to ours
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.uber.org/zap"
)

// adminTimeout bounds each request to the admin port, and the wait for the last ones at shutdown.
const adminTimeout = 5 * time.Second

// serveAdmin serves /healthz (the process runs), /readyz (frames reach the stream) and /metrics until
// ctx ends.
func (t *Tap) serveAdmin(ctx context.Context) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(resp http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(resp, "ok")
	})
	mux.HandleFunc("GET /readyz", t.ready)
	mux.Handle("GET /metrics", promhttp.HandlerFor(t.metrics.registry, promhttp.HandlerOpts{}))
	srv := &http.Server{
		Handler: t.conf.Guard(mux, t.refuseAdmin), ReadTimeout: adminTimeout, WriteTimeout: adminTimeout,
		IdleTimeout: time.Minute, MaxHeaderBytes: 1 << 14, ErrorLog: log.New(adminFailures{t}, "", 0),
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(t.conf.Admin) }()
	select {
	case err := <-served:
		return fmt.Errorf("serving the admin port: %w", err)
	case <-ctx.Done():
	}
	sctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), adminTimeout)
	defer cancel()
	err := srv.Shutdown(sctx)
	if serr := <-served; !errors.Is(serr, http.ErrServerClosed) {
		err = errors.Join(err, serr)
	}
	return err
}

func (t *Tap) refuseAdmin(why string, what zap.Field) {
	t.metrics.adminRefused.WithLabelValues(why).Inc()
	t.log.Warn(evAdminRefused, zap.String("reason", why), what)
}

// adminFailures takes what the HTTP server logs, such as a TLS error.
type adminFailures struct{ tap *Tap }

// Write implements io.Writer.
func (f adminFailures) Write(line []byte) (int, error) {
	f.tap.refuseAdmin("failed", zap.String("error", strings.TrimSpace(string(line))))
	return len(line), nil
}

// ready responds 200 when every event of the PBX reaches the stream, else 503 with a line for each
// failure.
func (t *Tap) ready(resp http.ResponseWriter, _ *http.Request) {
	var lines []string
	if !t.synced.Load() {
		lines = append(lines, "the PBX is not synced")
	}
	if !t.writes.Load() {
		lines = append(lines, "the journal takes nothing")
	}
	if !t.publishes.Load() || !t.conn.IsConnected() {
		lines = append(lines, "the stream takes nothing; the journal keeps it")
	}
	if len(lines) == 0 {
		fmt.Fprintln(resp, "ready")
		return
	}
	resp.WriteHeader(http.StatusServiceUnavailable)
	for _, l := range lines {
		fmt.Fprintln(resp, l)
	}
}
