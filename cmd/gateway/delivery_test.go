package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/tariff"
)

// nodesLedger has a log for each node, as that of a cluster.
type nodesLedger struct {
	ledger.Store // that of no node
	names        []string
	logs         map[string]ledger.Store
}

func (l nodesLedger) Logs(context.Context) ([]string, error) { return l.names, nil }

func (l nodesLedger) Log(node string) ledger.Store { return l.logs[node] }

// deliveredLedger is that of two nodes and of no node: a record in each, which the system "billing" has
// refused.
func deliveredLedger(t *testing.T) nodesLedger {
	t.Helper()
	l := nodesLedger{names: []string{"", "pbx1", "pbx2"}, logs: map[string]ledger.Store{}}
	for _, node := range l.names {
		l.logs[node] = oneLog(t, node)
	}
	l.Store = l.logs[""]
	return l
}

func oneLog(t *testing.T, node string) ledger.Store {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	l, err := ledger.Open(ctx, filepath.Join(t.TempDir(), "ledger.db"), ledger.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	at := time.Date(2026, 11, 30, 10, 0, 0, 0, time.UTC)
	call := metering.CallID("call-" + node)
	r := metering.Record{
		Record: "r-" + node, Version: 1, Call: call, Charge: tariff.Zero(nil),
		ArrivedAt: metering.Time{Time: at}, EndedAt: metering.Time{Time: at},
	}
	for _, b := range []ledger.Batch{
		{Opened: []ledger.OpenCall{{Call: call, ArrivedAt: at}}}, {Records: []metering.Record{r}},
	} {
		if err := l.Commit(ctx, &b); err != nil {
			t.Fatal(err)
		}
	}
	dead := ledger.DeadLetter{
		Record: r.Record, At: at, Tries: 1, Why: "422 no such account", State: ledger.LetterDead,
	}
	if err := l.SaveCursor(ctx, "billing", ledger.Cursor{Next: 1}, []ledger.DeadLetter{dead}); err != nil {
		t.Fatal(err)
	}
	if err := l.SaveCursor(ctx, "list", ledger.Cursor{Next: 1}, nil); err != nil {
		t.Fatal(err)
	}
	return l
}

func TestDeliveryListHasTheLogOfEachNode(t *testing.T) {
	var out bytes.Buffer
	to := []config.Delivery{{Name: "billing"}, {Name: "list"}}
	err := listDeliveries(t.Context(), streams{stdout: &out}, to, deliveredLedger(t))
	want := `billing  has 1 of 1 leaves of the ledger log of no node; 1 letters
  r-  dead  2026-11-30T10:00:00Z  tries 1  422 no such account
billing  has 1 of 1 leaves of the ledger log of node pbx1; 1 letters
  r-pbx1  dead  2026-11-30T10:00:00Z  tries 1  422 no such account
billing  has 1 of 1 leaves of the ledger log of node pbx2; 1 letters
  r-pbx2  dead  2026-11-30T10:00:00Z  tries 1  422 no such account
list  has 1 of 1 leaves of the ledger log of no node; 0 letters
list  has 1 of 1 leaves of the ledger log of node pbx1; 0 letters
list  has 1 of 1 leaves of the ledger log of node pbx2; 0 letters
`
	if err != nil || out.String() != want {
		t.Errorf("%v\n%s\nwant\n%s", err, out.String(), want)
	}
	out.Reset()
	err = listDeliveries(t.Context(), streams{stdout: &out}, to[:1], oneLog(t, "x"))
	if err != nil || !strings.HasPrefix(out.String(), "billing  has 1 of 1 leaves of the ledger log; 1") {
		t.Errorf("a ledger of one log: %v\n%s", err, out.String())
	}
}

func TestDeadLettersOfEachNodeAreMarked(t *testing.T) {
	l := deliveredLedger(t)
	for _, c := range []struct {
		record string
		state  ledger.LetterState
		want   int
	}{
		{"r-pbx2", ledger.LetterSkipped, 1}, {"r-none", ledger.LetterSkipped, 0},
		{"", ledger.LetterRetry, 3},
	} {
		n, err := mark(t.Context(), l, "billing", c.record, c.state)
		if err != nil || n != c.want {
			t.Errorf("%q: %d are %s, %v; want %d", c.record, n, c.state, err, c.want)
		}
		letters, err := l.logs["pbx2"].DeadLetters(t.Context(), "billing")
		if c.want > 0 && (err != nil || len(letters) != 1 || letters[0].State != c.state) {
			t.Errorf("%q: %+v, %v", c.record, letters, err)
		}
	}
}

// What a system is to have is what the logs of all nodes have.
func TestDeliveryVerifyTakesTheLogsOfAllNodes(t *testing.T) {
	l := deliveredLedger(t)
	held := filepath.Join(t.TempDir(), "held")
	for _, c := range []struct {
		sink, ids                  string
		events, letters            int
		missing, unknown, isListed int
	}{
		{"list", "r-\nr-pbx1\nr-pbx2\n", 3, 0, 0, 0, 3},
		{"list", "r-\nr-pbx2\nr-pbx3\n", 3, 0, 1, 1, 3},
		{"billing", "", 3, 3, 0, 0, 0},
	} {
		if err := os.WriteFile(held, []byte(c.ids), 0o600); err != nil {
			t.Fatal(err)
		}
		d := config.Delivery{Name: c.sink, Fields: []string{"record"}}
		got, err := deliveryVerify{Held: held}.compare(t.Context(), d, l)
		if err != nil || got.Events != c.events || got.Letters != c.letters || got.Held != c.isListed ||
			len(got.Missing) != c.missing || len(got.Unknown) != c.unknown {
			t.Errorf("%s, %q: %+v, %v", c.sink, c.ids, got, err)
		}
	}
}
