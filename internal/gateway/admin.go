package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log" //nolint:depguard // net/http takes no other logger; what it says goes to ours
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.uber.org/zap"
	"golang.org/x/net/netutil"

	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/internal/console"
)

const (
	// adminTimeout bounds each request to the admin port, and the wait for the last ones at shutdown.
	adminTimeout = 5 * time.Second
	// maxAdminConns bounds the connections to the admin port: those who watch the page, and some more.
	maxAdminConns = 64
)

// openAdmin listens on the admin port.
func (d *Gateway) openAdmin(ctx context.Context) (err error) {
	d.admin, err = ListenAdmin(ctx, d.conf.Admin)
	return err
}

// ListenAdmin listens on an admin port, by TLS where there is a certificate.
func ListenAdmin(ctx context.Context, a config.Admin) (net.Listener, error) {
	secure, err := adminTLS(a)
	if err != nil {
		return nil, err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", a.Listen)
	if err != nil {
		return nil, fmt.Errorf("listening on admin.listen: %w", err)
	}
	l = netutil.LimitListener(l, maxAdminConns)
	if secure != nil {
		l = tls.NewListener(l, secure)
	}
	return l, nil
}

// serveAdmin serves the page, /healthz (the process runs), /readyz (it meters) and /metrics until ctx
// ends.
func (d *Gateway) serveAdmin(ctx context.Context) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(resp http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(resp, "ok")
	})
	mux.HandleFunc("GET /readyz", d.ready)
	mux.Handle("GET /metrics", promhttp.HandlerFor(d.metrics.registry, promhttp.HandlerOpts{}))
	view := viewer{gateway: d}
	console.New(view.view, d.ledger, ctx.Done()).Register(mux)
	srv := &http.Server{
		Handler:     Guard(d.conf.Admin, mux, d.refuseAdmin),
		ReadTimeout: adminTimeout, WriteTimeout: adminTimeout, IdleTimeout: time.Minute,
		MaxHeaderBytes: 1 << 14, ErrorLog: log.New(adminFailures{d}, "", 0),
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(d.admin) }()
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

// refuseAdmin counts and logs a request that was refused, or a connection that failed.
func (d *Gateway) refuseAdmin(why string, what zap.Field) {
	d.metrics.adminRefused.WithLabelValues(why).Inc()
	d.log.Warn(evAdminRefused, zap.String("reason", why), what)
}

// adminFailures takes what the HTTP server logs, such as a TLS error.
type adminFailures struct{ gateway *Gateway }

// Write implements io.Writer.
func (f adminFailures) Write(line []byte) (int, error) {
	f.gateway.refuseAdmin("failed", zap.String("error", strings.TrimSpace(string(line))))
	return len(line), nil
}

// ready responds 200 when every PBX is synced and commits succeed, else 503 with a line for each
// failure.
func (d *Gateway) ready(resp http.ResponseWriter, _ *http.Request) {
	var lines []string
	for _, w := range d.sites.workers() {
		if !w.isSynced() {
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
