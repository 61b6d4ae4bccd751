package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap/zapcore"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/aritest"
	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/internal/gateway"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// run is one run of a gateway beside a fake PBX.
type run struct {
	t       *testing.T
	pbx     *aritest.PBX
	log     *buffer
	gateway *gateway.Gateway
	cancel  context.CancelFunc
	done    chan error
}

type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// configure makes a configuration whose ledger is in dir; listen is the PBX's `listen`, "" for
// none.
func configure(t *testing.T, pbx *aritest.PBX, dir, listen string) *config.Config {
	t.Helper()
	if listen != "" {
		listen = fmt.Sprintf(`, listen: {address: %q, username: asterisk}`, listen)
	}
	text := fmt.Sprintf(`
pbx: [{name: fake, url: %q, username: risposta%s}]
operators: ["PJSIP/agent*"]
services: [{number: "1001", context: from-trunk, name: help, tariff: standard, did: "+390612345678"}]
law: {policy: it}
extensions: ["100?"]
tariffs: [{name: standard, per_minute: "0.96", increment: 1s, currency: EUR}]
callers: {country_code: "39"}
ledger: {file: %q}
admin: {listen: "127.0.0.1:0"}
`, pbx.URL(), listen, filepath.Join(dir, "ledger.db"))
	env := []string{
		"RISPOSTA_PBX_0_PASSWORD=" + aritest.Password,
		"RISPOSTA_CALLERS_KEY=" + strings.Repeat("0123456789abcdef", 4),
	}
	if listen != "" {
		env = append(env, "RISPOSTA_PBX_0_LISTEN_PASSWORD="+listenPassword)
	}
	c, err := config.Parse("gw.yaml", []byte(text), env, config.AllSecrets, os.ReadFile)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const listenPassword = "the password of websocket_client.conf"

func start(t *testing.T, pbx *aritest.PBX, conf *config.Config) *run {
	t.Helper()
	r := &run{t: t, pbx: pbx, log: &buffer{}, done: make(chan error, 1)}
	log, err := gateway.NewLogger(conf.Log, zapcore.AddSync(r.log))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	if r.gateway, err = gateway.New(ctx, conf, log); err != nil {
		cancel()
		t.Fatal(err)
	}
	r.cancel = cancel
	go func() { r.done <- r.gateway.Run(ctx) }()
	return r
}

func (r *run) stop() {
	r.t.Helper()
	r.cancel()
	if err := <-r.done; err != nil {
		r.t.Errorf("the gateway ended with %v, want nil", err)
	}
	http.DefaultClient.CloseIdleConnections()
}

// deadline bounds each wait of these tests.
const deadline = 15 * time.Second

func (r *run) until(what string, times int) {
	r.t.Helper()
	end := time.Now().Add(deadline)
	for strings.Count(r.log.String(), what) < times {
		if time.Now().After(end) {
			r.t.Fatalf("%q did not come %d times in the log:\n%s", what, times, r.log)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (r *run) get(path string) (int, string) {
	r.t.Helper()
	resp, err := http.Get("http://" + r.gateway.AdminAddr().String() + path)
	if err != nil {
		r.t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := b.ReadFrom(resp.Body); err != nil {
		r.t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		r.t.Fatal(err)
	}
	return resp.StatusCode, b.String()
}

// untilMetric waits for a line of /metrics, and returns them all.
func (r *run) untilMetric(line string) string {
	r.t.Helper()
	for end := time.Now().Add(deadline); ; {
		_, metrics := r.get("/metrics")
		if strings.Contains(metrics, line+"\n") {
			return metrics
		}
		if time.Now().After(end) {
			r.t.Fatalf("%q did not come in the metrics:\n%s", line, metrics)
		}
	}
}

func (r *run) send(frame []byte) {
	r.t.Helper()
	if err := r.pbx.Send(frame); err != nil {
		r.t.Fatal(err)
	}
}

// happens sends an event, at the PBX's present time.
func (r *run) happens(ev ari.Event) {
	r.t.Helper()
	ev.At, ev.Node = r.pbx.Now(), aritest.Node
	r.send(aritest.Frame(ev))
}

// logged is what a record.written line says.
type logged struct {
	TalkMs   int64 `json:"talk_ms"`
	UnseenMs int64 `json:"unseen_ms"`
	Amount   string
}

// record returns the last record of the log.
func (r *run) record() (rec logged) {
	r.t.Helper()
	for line := range strings.Lines(r.log.String()) {
		if strings.Contains(line, `"event":"record.written"`) {
			rec = logged{}
			if err := json.Unmarshal([]byte(line), &rec); err != nil {
				r.t.Fatal(err)
			}
		}
	}
	return rec
}

// holdTransfer are the frames of a recorded call of 9.478 s of talk.
func holdTransfer(t *testing.T) [][]byte {
	t.Helper()
	text, err := os.ReadFile("../../integration/testdata/traces/hold-transfer/ari.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Split(bytes.TrimSpace(text), []byte("\n"))
}
