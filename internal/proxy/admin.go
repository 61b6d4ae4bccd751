package proxy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// adminTimeout bounds a request to the admin port, and the wait for the last ones.
const adminTimeout = 5 * time.Second

// serveAdmin serves /healthz (the process runs), /readyz (it serves requests) and /metrics until ctx
// ends. It is on loopback, and nothing of it is secret.
func (p *Proxy) serveAdmin(ctx context.Context) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(resp http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(resp, "ok")
	})
	mux.HandleFunc("GET /readyz", p.serveReady)
	mux.Handle("GET /metrics", promhttp.HandlerFor(p.metrics.registry, promhttp.HandlerOpts{}))
	srv := &http.Server{
		Handler: mux, ReadTimeout: adminTimeout, WriteTimeout: adminTimeout, IdleTimeout: time.Minute,
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(p.admin) }()
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

// serveReady responds 200 where requests are served, else 503 with why.
func (p *Proxy) serveReady(resp http.ResponseWriter, _ *http.Request) {
	switch conn := p.serving.Load(); {
	case conn == nil:
		http.Error(resp, "the PBX is not served", http.StatusServiceUnavailable)
	case !conn.IsConnected():
		http.Error(resp, "NATS is not connected", http.StatusServiceUnavailable)
	default:
		fmt.Fprintln(resp, "ready")
	}
}
