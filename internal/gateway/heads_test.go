package gateway_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/ari/aritest"
	"github.com/risposta/gateway/internal/audit"
	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/internal/heads"
	"github.com/risposta/gateway/metering/ledger/merkle"
)

// Each signed head is kept in the second place. A ledger that is put back to an older state is
// reported at the start, and metered on.
func TestHeadsAreKeptInASecondPlaceAndCompared(t *testing.T) {
	pbx := aritest.New()
	defer pbx.Close()
	dir := t.TempDir()
	kept := filepath.Join(t.TempDir(), "heads")
	conf := configure(t, pbx, dir, "")
	conf.Ledger.Heads = []config.HeadPlace{{To: "file:" + kept}}
	older := filepath.Join(t.TempDir(), "older.db")

	r := start(t, pbx, conf)
	r.until("pbx.synced", 1)
	r.stop()
	text, err := os.ReadFile(conf.Ledger.File)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(older, text, 0o600); err != nil {
		t.Fatal(err)
	}

	r = start(t, pbx, conf)
	r.until("pbx.synced", 1)
	for _, frame := range holdTransfer(t) {
		r.send(frame)
	}
	r.until(`"state":"final"`, 1)
	r.stop()
	signed := strings.Count(r.log.String(), `"event":"ledger.signed"`)
	text, err = os.ReadFile(kept)
	if err != nil {
		t.Fatal(err)
	}
	if lines := bytes.Count(text, []byte("\n")); signed == 0 || lines <= signed {
		t.Errorf("%d heads were kept, of two runs; the second signed %d", lines, signed)
	}
	if strings.Contains(r.log.String(), "heads_differ") {
		t.Errorf("an honest ledger was reported:\n%s", r.log)
	}
	half := append(text, `{"event":"ledger.signed","head":"go.sum`...) // a crash cut it short
	if err := os.WriteFile(kept, half, 0o600); err != nil {
		t.Fatal(err)
	}

	if err := os.Rename(older, conf.Ledger.File); err != nil {
		t.Fatal(err)
	}
	r = start(t, pbx, conf)
	r.until("ledger.heads_differ", 1)
	r.untilMetric(`risposta_ledger_heads_differ{place="file:` + kept + `"} 1`)
	r.until("pbx.synced", 1)
	r.stop()

	// What the place has is left as it is: the next start finds the same.
	if now, err := os.ReadFile(kept); err != nil || !bytes.Equal(now, half) {
		t.Errorf("the place has got other heads, %v", err)
	}
	r = start(t, pbx, conf)
	r.until("ledger.heads_differ", 1)
	r.stop()
}

// The head of a node is no head of a ledger of one log, also where its tree agrees.
func TestHeadOfANodeDiffers(t *testing.T) {
	pbx := aritest.New()
	defer pbx.Close()
	kept := filepath.Join(t.TempDir(), "heads")
	conf := configure(t, pbx, t.TempDir(), "")
	signer, err := audit.Signer(conf.Ledger.KeyFile, false)
	if err != nil {
		t.Fatal(err)
	}
	head, err := merkle.Sign("pbx2", 0, &merkle.Memory{}, signer)
	if err != nil {
		t.Fatal(err)
	}
	line, err := heads.NewLine(head, time.Now()).Text()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(kept, append(line, '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
	conf.Ledger.Heads = []config.HeadPlace{{To: "file:" + kept}}
	r := start(t, pbx, conf)
	r.until("heads were put in each other's place", 1)
	r.stop()
}

// A place that is away holds up nothing. It gets the newest head once it is back, also one of a former
// run, and neither log nor metrics have what its address hides.
func TestHeadsReachAPlaceThatWasAway(t *testing.T) {
	pbx := aritest.New()
	defer pbx.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	conf := configure(t, pbx, t.TempDir(), "")
	conf.Ledger.Heads = []config.HeadPlace{{To: "http://" + address + "/in/a-secret-path?key=a-secret-key"}}
	r := start(t, pbx, conf)
	r.until("pbx.synced", 1)
	for _, frame := range holdTransfer(t) {
		r.send(frame)
	}
	r.until(`"state":"final"`, 1)
	r.until(`"event":"ledger.head_not_kept","place":"http://`+address+`"`, 1)
	r.untilMetric(`risposta_ledger_heads_waiting{place="http://` + address + `"} 1`)
	r.stop()
	if strings.Contains(r.log.String(), "a-secret") {
		t.Errorf("a secret is in the log:\n%s", r.log)
	}
	if n := strings.Count(r.log.String(), "ledger.head_not_kept"); n != 1 {
		t.Errorf("it was reported %d times", n)
	}

	lines := make(chan string, 100)
	if l, err = net.Listen("tcp", address); err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		text, err := io.ReadAll(r.Body)
		if err != nil || r.URL.RawQuery != "key=a-secret-key" {
			t.Errorf("%s, %v", r.URL, err)
		}
		lines <- string(text)
	})}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	signed := r.log.String()[strings.LastIndex(r.log.String(), `"leaves":`):]
	signed, _, _ = strings.Cut(signed, ",")
	r = start(t, pbx, conf)
	select {
	case line := <-lines:
		if !strings.Contains(line, `"event":"ledger.signed",`+signed+`,`) {
			t.Errorf("the first head is %s, want that with %s", line, signed)
		}
	case <-time.After(deadline):
		t.Error("no head has come")
	}
	r.until("pbx.synced", 1)
	r.stop()
	if err := server.Close(); err != nil {
		t.Error(err)
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
}
