//go:build live

package integration

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/risposta/gateway/integration/lab"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	_ "github.com/risposta/gateway/metering/ledger/sqlite" // the store of a plain path
	"github.com/risposta/gateway/metering/tariff"
)

// hook is an HTTP server that keeps the ids of CloudEvents.
type hook struct {
	mu      sync.Mutex
	ids     []string // each once, in the order of arrival
	has     map[string]bool
	repeats int
	// refuses: each request with such an event is refused, until the event alone was.
	refuses func(id string) bool
	refused map[string]bool // alone
}

func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	text := string(body)
	if strings.HasPrefix(text, "{") {
		text = "[" + text + "]"
	}
	var events []struct{ ID string }
	if err := json.Unmarshal([]byte(text), &events); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range events {
		if h.refuses != nil && h.refuses(e.ID) && !h.refused[e.ID] {
			h.refused[e.ID] = len(events) == 1
			w.WriteHeader(http.StatusUnprocessableEntity)
			return
		}
	}
	for _, e := range events {
		if h.has[e.ID] {
			h.repeats++
			continue
		}
		h.has[e.ID] = true
		h.ids = append(h.ids, e.ID)
	}
	w.WriteHeader(http.StatusNoContent)
}

func newHook(t *testing.T) (*hook, string) {
	t.Helper()
	h := &hook{has: map[string]bool{}, refused: map[string]bool{}}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return h, server.URL
}

// deliveryGateway is a gateway without a PBX, and a ledger that the test fills while it does not run.
func deliveryGateway(t *testing.T, config string) *lab.Gateway {
	t.Helper()
	dir := t.TempDir()
	for _, folder := range []string{"csv", "jsonl", "parquet"} {
		if err := os.Mkdir(filepath.Join(dir, folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	gw, err := lab.NewGateway(gatewayBinary, dir, "", config)
	if err != nil {
		t.Fatal(err)
	}
	return gw
}

// fill commits the records of some calls: in three currencies, every fifth with a later version that
// credits it, every seventh erased.
func fill(ctx context.Context, t *testing.T, file string, from, until int) {
	t.Helper()
	var l ledger.Store
	// A process that another test starts at this instant has the file of the lock, too, until its exec.
	err := lab.Until(ctx, 10*time.Second, "the ledger to be free", func() (err error) {
		l, err = ledger.Open(ctx, file, ledger.Exclusive)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var b ledger.Batch
	for i := from; i < until; i++ {
		r := delivered(i, 1)
		b.Opened = append(b.Opened, ledger.OpenCall{
			Call: r.Call, Node: "pbx", Service: r.Service, ArrivedAt: r.ArrivedAt.Time,
		})
		b.Evidence = append(b.Evidence, ledger.Evidence{Call: r.Call, Frame: []byte("{}")})
		b.Records = append(b.Records, r)
	}
	if err := l.Commit(ctx, &b); err != nil {
		t.Fatal(err)
	}
	for i := from; i < until; i++ {
		versions := []metering.Record{delivered(i, 1)}
		if i%5 == 0 {
			credit := delivered(i, 2)
			credit.Charge.Minor = 0
			versions = append(versions, credit)
			err = l.Supersede(ctx, &ledger.Supersession{
				Call: credit.Call, After: 1, Records: versions[1:],
			})
		}
		if err == nil && i%7 == 0 {
			s := ledger.Supersession{Call: versions[0].Call, After: len(versions), At: time.Now()}
			for _, v := range versions {
				s.Erased = append(s.Erased, v.Erased(metering.CallID(fmt.Sprint("e-", i))))
			}
			err = l.Supersede(ctx, &s)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// delivered is a version of the record of the i-th call.
func delivered(i, version int) metering.Record {
	at := metering.Time{Time: time.Date(2026, 11, 1+i%28, 9, 46, 14, 945e6, time.UTC)}
	charge := []tariff.Amount{
		{Minor: 14, Digits: 2, Currency: "EUR"}, {Minor: 33, Currency: "JPY"},
		{Minor: 127, Digits: 3, Currency: "KWD"},
	}[i%3]
	return metering.Record{
		Record: fmt.Sprintf("r-%020d-%d", i, version), Version: version, Node: "pbx",
		Call: metering.CallID(fmt.Sprintf("pbx-%d", i)), Service: "help", ArrivedAt: at, EndedAt: at,
		Outcome: metering.Talked, Queues: []metering.QueueEntry{}, Talk: []metering.Talk{},
		Charge: charge, Reasons: []metering.Reason{metering.ReasonTalk},
	}
}

// verified runs `risposta delivery verify` until a sink has all that the ledger has.
func verified(ctx context.Context, t *testing.T, gw *lab.Gateway, sink string, more ...string) {
	t.Helper()
	err := lab.Until(ctx, 2*time.Minute, sink+" to have everything", func() error {
		out, code, err := gw.Command(ctx, append([]string{"delivery", "verify", sink}, more...)...)
		if err != nil || code != 0 {
			return fmt.Errorf("exit %d, %w:\n%s", code, err, out)
		}
		list, _, err := gw.Command(ctx, "delivery", "list")
		for line := range strings.Lines(list) {
			var name string
			var has, of, letters int
			_, serr := fmt.Sscanf(line, "%s has %d of %d leaves of the ledger log; %d letters", &name, &has,
				&of, &letters)
			if serr == nil && name == sink && (has < of || letters > 0) {
				return fmt.Errorf("%s", line)
			}
		}
		return err
	})
	if err != nil {
		t.Errorf("%v\n%s", err, gw.Log())
	}
}
