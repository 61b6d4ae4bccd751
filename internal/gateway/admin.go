package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// adminTimeout bounds each request to the admin port, and the wait for the last ones at shutdown.
const adminTimeout = 5 * time.Second

// serveAdmin serves /healthz (the process runs), /readyz (it meters) and /metrics until ctx ends.
func (d *Gateway) serveAdmin(ctx context.Context) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(resp http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(resp, "ok")
	})
	mux.HandleFunc("GET /readyz", d.ready)
	mux.Handle("GET /metrics", promhttp.HandlerFor(d.metrics.registry, promhttp.HandlerOpts{}))
	srv := &http.Server{
		Handler: mux, ReadTimeout: adminTimeout, WriteTimeout: adminTimeout,
		IdleTimeout: time.Minute, MaxHeaderBytes: 1 << 14,
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(d.admin) }()
	select {
	case err := <-served:
		return fmt.Errorf("serving health and metrics: %w", err)
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

// ready responds 200 when every PBX is synced and commits succeed, else 503 with a line for each
// failure.
func (d *Gateway) ready(resp http.ResponseWriter, _ *http.Request) {
	var lines []string
	for _, w := range d.workers {
		if !w.synced.Load() {
			lines = append(lines, fmt.Sprintf("pbx %s: not synced", w.name))
		}
		if !w.committed.Load() {
			lines = append(lines, fmt.Sprintf("pbx %s: the last commit failed", w.name))
		}
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
