package reconcile_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/internal/reconcile"
	"github.com/risposta/gateway/metering"
)

const holdTransferCall = metering.CallID("pbx1-1795427174.114")

func traceText(t *testing.T, recording, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(traces, recording, file))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestReadCDRAddsUpTheBillsecOfACall(t *testing.T) {
	text := traceText(t, "hold-transfer", "cdr.csv")
	sums, err := reconcile.ReadCDR(strings.NewReader(text))
	got := sums[holdTransferCall].Round(time.Millisecond)
	if want := 16005 * time.Millisecond; err != nil || len(sums) != 1 || got != want {
		t.Errorf("%s for %d calls, %v; want %s for one", got, len(sums), err, want)
	}
}

func TestReadCDRErrorsNameTheLine(t *testing.T) {
	good := traceText(t, "answered", "cdr.csv")
	good = good[:strings.IndexByte(good, '\n')+1]
	for text, want := range map[string]string{
		good + "\"a\",\"b\"\n":                    "line 2: it has 2 columns",
		strings.Replace(good, "8.007300", "x", 1): "line 1: its billsec is not a number of seconds",
		good + "\"a\n":                            "reading the CDRs",
	} {
		_, err := reconcile.ReadCDR(strings.NewReader(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestReadQueueLogCountsConnections(t *testing.T) {
	text := traceText(t, "hold-transfer", "queue_log")
	connected, err := reconcile.ReadQueueLog(strings.NewReader(text))
	if n := connected[holdTransferCall]; err != nil || len(connected) != 1 || n != 2 {
		t.Errorf("%d connections for %d calls, %v; want 2 for one", n, len(connected), err)
	}
}
