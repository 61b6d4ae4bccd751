package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/internal/live"
	"github.com/risposta/gateway/metering"
)

// shown is a view of one call that is charged and one that is exempt.
const shown = `{"at":"2026-11-30T10:58:18.000Z",
"states":[{"state":"charged","calls":1},{"state":"waiting","calls":0},{"state":"exempt","calls":1}],
"pbxs":[{"name":"milano","synced":true,"since":"2026-11-30T10:57:09.000Z","committed":true,"calls":2}],
"queues":[{"name":"support","waiting":1,"longest_ms":16000,"talking":1,"offered_today":18}],
"operators":[{"name":"PJSIP/agent0","doing":"talk","for_ms":23000,"call":"pbx1-1","answered_today":4}],
"calls":[{"call":"pbx1-1","service":"assistance","state":"charged","doing":"talk","queue":"support",
"operator":"PJSIP/agent0","for_ms":23000,"talk_ms":48000,"amount":"0.76","currency":"EUR"},
{"call":"pbx1-2","service":"assistance","state":"exempt","doing":"waiting","queue":"support",
"for_ms":16000,"amount":"0.00","currency":"EUR"}],"more_calls":7}`

const wantTop = `2026-11-30 10:58:18 UTC   2 open calls: 1 charged, 0 waiting, 1 exempt

PBX     EVENTS        SINCE     LEDGER   WAITING FRAMES  CALLS
milano  all received  10:57:09  written               0      2

QUEUE    WAITING  LONGEST  TALKING  OFFERED TODAY  ANSWERED  ABANDONED
support        1     0:16        1             18         0          0

OPERATOR      NOW    FOR  ANSWERED TODAY  TALK MIN  CALL
PJSIP/agent0  talk  0:23               4         0  pbx1-1

STATE             FOR  SERVICE     QUEUE    OPERATOR      TALK    SO FAR  CALL
charged          0:23  assistance  support  PJSIP/agent0  0:48  0.76 EUR  pbx1-1
exempt: waiting  0:16  assistance  support                0:00  0.00 EUR  pbx1-2
... and 7 more
`

// topConfig is a configuration whose admin port is a server that answers with a view.
func topConfig(t *testing.T, code int, answer string) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(resp http.ResponseWriter, req *http.Request) {
		if req.URL.Path != "/live.json" {
			t.Errorf("top asks for %s", req.URL.Path)
		}
		resp.WriteHeader(code)
		fmt.Fprint(resp, answer)
	}))
	t.Cleanup(srv.Close)
	path := filepath.Join(t.TempDir(), "gateway.yaml")
	text := fmt.Sprintf(`pbx: [{url: "http://127.0.0.1:1/ari", username: risposta}]
operators: ["PJSIP/agent*"]
services: [{number: "1001", context: from-trunk}]
ledger: {file: ledger.db}
admin: {listen: %q}
`, strings.TrimPrefix(srv.URL, "http://"))
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Where standard output is no terminal, or with --plain, top prints once and without colours.
func TestTopPrintsTheView(t *testing.T) {
	path := topConfig(t, http.StatusOK, shown)
	for _, args := range [][]string{{"top"}, {"top", "--plain"}} {
		var out, errs bytes.Buffer
		code := run(t.Context(), append(args, "--config", path), nil, &out, &errs)
		if code != 0 || out.String() != wantTop || errs.Len() > 0 {
			t.Errorf("%v: exit %d, %s\n%s\nwant\n%s", args, code, errs.String(), out.String(), wantTop)
		}
	}
}

func TestTopSaysWhyThereIsNoView(t *testing.T) {
	for answer, want := range map[string]string{
		"the ledger is gone": "the gateway answers 500 Internal Server Error: the ledger is gone",
	} {
		var out, errs bytes.Buffer
		path := topConfig(t, http.StatusInternalServerError, answer)
		if code := run(t.Context(), []string{"top", "--config", path}, nil, &out, &errs); code != exitFailed ||
			!strings.Contains(errs.String(), want) {
			t.Errorf("exit %d, %s; want %s", code, errs.String(), want)
		}
	}
}

// In a terminal a view is drawn over the one before, in colours, and no longer than the terminal.
func TestAViewIsDrawn(t *testing.T) {
	v := live.View{At: metering.Time{Time: time.Date(2026, 11, 30, 10, 58, 18, 0, time.UTC)}}
	v.States = []live.Count{{State: live.Charged, Calls: 3}}
	for range 50 {
		v.Calls = append(v.Calls, live.CallRow{Call: "pbx1-1", State: live.Charged, Amount: "0.10", Currency: "EUR"})
	}
	var out bytes.Buffer
	if err := draw(&out, v, 10); err != nil {
		t.Fatal(err)
	}
	got := out.String()
	if lines := strings.Count(got, "\n"); lines != 9 || !strings.HasPrefix(got, "\x1b[H2026-11-30") ||
		!strings.Contains(got, "\x1b[1;34m3 charged\x1b[0m") || !strings.HasSuffix(got, "\x1b[J") {
		t.Errorf("%d lines: %q", lines, got)
	}
	if _, ok := terminalHeight(&out); ok {
		t.Error("a buffer is a terminal")
	}
}
