package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
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

	"github.com/risposta/gateway/ari/aritest"
	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/internal/gateway"
	"github.com/risposta/gateway/internal/timeline"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	_ "github.com/risposta/gateway/metering/ledger/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// run is one life of a daemon beside a fake PBX.
type run struct {
	t      *testing.T
	pbx    *aritest.PBX
	conf   *config.Config
	log    *buffer
	daemon *gateway.Gateway
	cancel context.CancelFunc
	done   chan error
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

func configure(t *testing.T, pbx *aritest.PBX, dir string) *config.Config {
	t.Helper()
	text := fmt.Sprintf(`
pbx: [{name: fake, url: %q, username: risposta}]
operators: ["PJSIP/agent*"]
services: [{number: "1001", context: from-trunk, name: help, tariff: standard, did: "+390612345678"}]
law: {policy: it}
extensions: ["100?"]
tariffs: [{name: standard, per_minute: "0.96", increment: 1s, currency: EUR}]
ledger: {file: %q}
admin: {listen: "127.0.0.1:0"}
`, pbx.URL(), filepath.Join(dir, "ledger.db"))
	c, err := config.Parse("gw.yaml", []byte(text), []string{"RISPOSTA_PBX_0_PASSWORD=secret", "RISPOSTA_CALLERS_KEY=0123456789abcdef"}, config.AllSecrets, os.ReadFile)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func start(t *testing.T, pbx *aritest.PBX, conf *config.Config) *run {
	t.Helper()
	r := &run{t: t, pbx: pbx, conf: conf, log: &buffer{}, done: make(chan error, 1)}
	log, err := gateway.NewLogger(conf.Log, zapcore.AddSync(r.log))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	if r.daemon, err = gateway.New(ctx, conf, log); err != nil {
		cancel()
		t.Fatal(err)
	}
	r.cancel = cancel
	go func() { r.done <- r.daemon.Run(ctx) }()
	return r
}

func (r *run) stop() {
	r.t.Helper()
	r.cancel()
	if err := <-r.done; err != nil {
		r.t.Errorf("the daemon ended with %v, want nil", err)
	}
	http.DefaultClient.CloseIdleConnections()
}

func (r *run) until(what string, times int) {
	r.t.Helper()
	end := time.Now().Add(15 * time.Second)
	for strings.Count(r.log.String(), what) < times {
		if time.Now().After(end) {
			r.t.Fatalf("%q did not come %d times in the log:\n%s", what, times, r.log)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (r *run) get(path string) (int, string) {
	r.t.Helper()
	resp, err := http.Get("http://" + r.daemon.AdminAddr().String() + path)
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

func holdTransfer(t *testing.T) [][]byte {
	t.Helper()
	text, err := os.ReadFile("../../integration/testdata/traces/hold-transfer/ari.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Split(bytes.TrimSpace(text), []byte("\n"))
}

func (r *run) send(frame []byte) {
	r.t.Helper()
	if err := r.pbx.Send(frame); err != nil {
		r.t.Fatal(err)
	}
}

// Bad frames over the socket, between all the good ones of a real call: kept or counted, logged once a kind, no other second harmed.
func TestBadFramesOverTheSocket(t *testing.T) {
	pbx := aritest.New()
	defer pbx.Close()
	dir := t.TempDir()
	r := start(t, pbx, configure(t, pbx, dir))
	r.until("pbx.synced", 1)
	bad := [][]byte{
		[]byte(`{"type":"ChannelHold","timestamp":`), []byte("\xff\xfe"), []byte(`{"type":"ChannelTeleported","channel":{"id":"x"}}`),
		append(append([]byte(`{"type":"ChannelVarset","value":"`), bytes.Repeat([]byte("a"), 2<<20)...), `"}`...),
	}
	for i, frame := range holdTransfer(t) {
		r.send(bytes.ReplaceAll(frame, []byte(`"caller":{"name":""`), []byte("\"caller\":{\"name\":\"Jos\xe9\"")))
		if i%40 == 5 {
			for _, b := range bad {
				r.send(b)
			}
		}
	}
	r.until(`"event":"record.written"`, 1)
	metrics := ""
	for end := time.Now().Add(15 * time.Second); !strings.Contains(metrics, `risposta_unreadable_frames_total{pbx="fake"} 15`); {
		if time.Now().After(end) {
			t.Fatalf("the fifteen unreadable frames were not counted:\n%s", metrics)
		}
		_, metrics = r.get("/metrics")
	}
	r.stop()
	var rec struct {
		TalkMs int64 `json:"talk_ms"`
		Amount string
	}
	for line := range strings.Lines(r.log.String()) {
		if strings.Contains(line, "record.written") {
			if err := json.Unmarshal([]byte(line), &rec); err != nil {
				t.Fatal(err)
			}
		}
	}
	if rec.TalkMs != 9478 || rec.Amount != "0.14" {
		t.Errorf("talk %d ms, %s EUR; want 9478 and 0.14", rec.TalkMs, rec.Amount)
	}
	if n := strings.Count(r.log.String(), "frame.unreadable"); n != 3 {
		t.Errorf("unreadable frames were logged %d times, want once for each of three kinds:\n%s", n, r.log)
	}
	for _, secret := range []string{"390612345678", "secret\"", "0123456789abcdef", "Jos"} {
		if strings.Contains(r.log.String()+metrics, secret) {
			t.Errorf("%q stands in the log or the metrics", secret)
		}
	}
}

// Whatever was read before the end is committed before the end, and what was open goes on in the next life.
func TestShutdownDrainsAndTheNextRunGoesOn(t *testing.T) {
	pbx := aritest.New()
	defer pbx.Close()
	conf := configure(t, pbx, t.TempDir())
	r := start(t, pbx, conf)
	r.until("pbx.synced", 1)
	frames := holdTransfer(t)
	const talking = 60 // the first operator talks
	for _, f := range frames[:talking] {
		r.send(f)
	}
	r.until("talk.started", 2)
	r.stop()
	if !strings.HasSuffix(strings.TrimSpace(r.log.String()), `"event":"gateway.stopped"}`) {
		t.Errorf("the last word is not gateway.stopped:\n%s", r.log)
	}
	// When it comes back, the call still is, in the same bridge, and nobody holds.
	pbx.Exist(`[{"id":"pbx1-1795427174.114","name":"PJSIP/trunk-00000008","state":"Up","dialplan":{"context":"from-trunk","exten":"1001"}},
		{"id":"pbx1-1795427175.119","name":"PJSIP/agent1-00000009","state":"Up"}]`,
		`[{"id":"b9c7a00e-ad59-4e38-8784-bb2428f2c665","bridge_type":"mixing","channels":["pbx1-1795427174.114","pbx1-1795427175.119"]}]`,
		map[string]string{"pbx1-1795427174.114": "0", "pbx1-1795427175.119": "0"})
	r = start(t, pbx, conf)
	r.until("calls.restored", 1)
	r.until("talk.started", 1)
	for _, f := range frames[talking:] {
		r.send(f)
	}
	r.until("record.written", 1)
	r.stop()
	ctx := context.Background()
	l, err := ledger.Open(ctx, conf.Ledger.File, ledger.ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}()
	n := 0
	err = l.Records(ctx, ledger.Query{}, func(text []byte) error {
		n++
		var rec metering.Record
		if err := json.Unmarshal(text, &rec); err != nil {
			return err
		}
		// The fake's clock is today's, the recording's is not: after the restart nothing of the recording lies in the future, so no more is counted.
		if rec.TalkMs > 9478 || rec.UnseenMs == 0 {
			t.Errorf("talk %d ms, unseen %d ms; want no more than 9478 and some", rec.TalkMs, rec.UnseenMs)
		}
		evidence, err := l.Evidence(ctx, rec.Call)
		if err != nil {
			return err
		}
		tl, err := timeline.New(rec.Call, evidence, text)
		if err != nil {
			return err
		}
		if !tl.Verified {
			t.Errorf("the evidence does not give the record:\n%s\n%s", tl.Record.JSON(), text)
		}
		return nil
	})
	if err != nil || n != 1 {
		t.Errorf("%d records, %v; want one", n, err)
	}
}

// The PBX's clock is set forward by an hour in the middle of talk: nobody pays for the hour.
func TestAClockSetForwardIsNotCharged(t *testing.T) {
	pbx := aritest.New()
	defer pbx.Close()
	r := start(t, pbx, configure(t, pbx, t.TempDir()))
	r.until("pbx.synced", 1)
	say := func(rest string) {
		r.send(fmt.Appendf(nil, `{"timestamp":%q,"asterisk_id":%q,%s}`, pbx.Now().Format("2006-01-02T15:04:05.000-0700"), aritest.Node, rest))
	}
	const (
		maria = `{"id":"m","name":"PJSIP/trunk-1","state":"Up","dialplan":{"context":"from-trunk","exten":"1001"}}`
		anna  = `{"id":"a","name":"PJSIP/agent1-2","state":"Up"}`
	)
	say(`"type":"ChannelCreated","channel":` + maria)
	say(`"type":"ChannelCreated","channel":` + anna)
	say(`"type":"ChannelEnteredBridge","channel":` + maria + `,"bridge":{"id":"b","bridge_type":"mixing","channels":["m"]}`)
	say(`"type":"ChannelEnteredBridge","channel":` + anna + `,"bridge":{"id":"b","bridge_type":"mixing","channels":["m","a"]}`)
	r.until("talk.started", 1)
	pbx.Exist(`[`+maria+`,`+anna+`]`, `[{"id":"b","bridge_type":"mixing","channels":["m","a"]}]`, map[string]string{"m": "0", "a": "0"})
	pbx.SetClock(time.Hour)
	r.until("pbx.clock_jumped", 1)
	r.until("talk.started", 2) // after a new look they still talk
	say(`"type":"ChannelHangupRequest","channel":` + maria)
	r.until("record.written", 1)
	r.stop()
	var rec struct {
		TalkMs   int64 `json:"talk_ms"`
		UnseenMs int64 `json:"unseen_ms"`
	}
	for line := range strings.Lines(r.log.String()) {
		if strings.Contains(line, "record.written") {
			if err := json.Unmarshal([]byte(line), &rec); err != nil {
				t.Fatal(err)
			}
		}
	}
	if rec.TalkMs > 60_000 || rec.UnseenMs < 3_500_000 {
		t.Errorf("talk %d ms, unseen %d ms; want seconds of talk and the hour unseen:\n%s", rec.TalkMs, rec.UnseenMs, r.log)
	}
}

func TestHealthAndReadiness(t *testing.T) {
	pbx := aritest.New()
	conf := configure(t, pbx, t.TempDir())
	pbx.Deafen(true)
	r := start(t, pbx, conf)
	r.until("pbx.unreachable", 1)
	if code, body := r.get("/readyz"); code != http.StatusServiceUnavailable || body != "pbx fake: not seen\n" {
		t.Errorf("/readyz: %d %q", code, body)
	}
	if code, body := r.get("/healthz"); code != http.StatusOK || body != "ok\n" {
		t.Errorf("/healthz: %d %q", code, body)
	}
	// Whoever watches must find the series before anything has been counted.
	if _, body := r.get("/metrics"); !strings.Contains(body, `risposta_heartbeats_total{pbx="fake"} 0`) || !strings.Contains(body, `risposta_pbx_synced{pbx="fake"} 0`) {
		t.Errorf("/metrics lacks the series of a PBX that was not seen yet:\n%s", body)
	}
	pbx.Deafen(false)
	r.until("pbx.synced", 1)
	if code, body := r.get("/readyz"); code != http.StatusOK || body != "ready\n" {
		t.Errorf("/readyz: %d %q", code, body)
	}
	r.stop()
	pbx.Close()
}

// A batch that contradicts the ledger can never be committed: the daemon ends and says so, rather than trying for ever.
func TestABrokenInvariantEndsTheDaemon(t *testing.T) {
	pbx := aritest.New()
	defer pbx.Close()
	conf := configure(t, pbx, t.TempDir())
	l, err := ledger.Open(context.Background(), conf.Ledger.File, ledger.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	const call = "pbx1-1795427174.114" // of the recording: it has its record already
	for _, b := range []ledger.Batch{
		{Opened: []ledger.OpenCall{{Call: call, Node: "x", Service: "help"}}},
		{Records: []metering.Record{{Record: "r", Version: 1, Call: call, Service: "help"}}},
	} {
		if err := l.Commit(context.Background(), &b); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	r := start(t, pbx, conf)
	r.until("pbx.synced", 1)
	for _, f := range holdTransfer(t) {
		if pbx.Send(f) != nil {
			break // it has ended
		}
	}
	select {
	case err := <-r.done:
		if !errors.Is(err, ledger.ErrBroken) {
			t.Errorf("it ended with %v, want ErrBroken", err)
		}
	case <-time.After(15 * time.Second):
		t.Errorf("it did not end:\n%s", r.log)
	}
	r.cancel()
}

func TestWhatCannotStartSaysWhy(t *testing.T) {
	pbx := aritest.New()
	defer pbx.Close()
	conf := configure(t, pbx, t.TempDir())
	conf.Ledger.File = filepath.Join(t.TempDir(), "missing", "ledger.db")
	log, err := gateway.NewLogger(conf.Log, zapcore.AddSync(&buffer{}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := gateway.New(context.Background(), conf, log); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("a ledger in a directory that is not there: %v", err)
	}
}
