//go:build live

package integration

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/risposta/gateway/integration/lab"
)

// deliveryConfig has a sink of each kind. No PBX answers at its address.
const deliveryConfig = `
pbx:
  - {name: live, url: "http://127.0.0.1:1/ari", username: risposta}
operators: ["PJSIP/agent*"]
services: [{number: "1001", context: from-trunk, name: help}]
callers: {country_code: "39"}
ledger: {file: "{{dir}}/ledger.db"}
admin: {listen: "{{admin}}"}
delivery:
  - name: csv
    fields: [service, arrived_at, currency, gross, net, gross_change_minor, reasons]
    file: {folder: "{{dir}}/csv", format: csv, separator: ";", decimal_sign: ",", every: 1s, max_records: 500}
  - name: jsonl
    fields: [service, arrived_at, currency, gross, gross_change_minor]
    file: {folder: "{{dir}}/jsonl", format: jsonl, every: 1s, max_records: 70}
  - name: parquet
    fields: [service, arrived_at, currency, gross, talk]
    file: {folder: "{{dir}}/parquet", format: parquet, every: 1s}
`

// otherSinks are the ones behind a network.
const otherSinks = `  - name: hook
    fields: [service, gross]
    webhook: {url: "HOOK", batch: 50}
  - name: table
    fields: [service, arrived_at, currency, gross, gross_minor, net, exempt, talk, reasons]
    postgres: {table: risposta_calls}
  - name: query
    fields: [gross_change_minor]
    postgres: {query: "INSERT INTO theirs VALUES (@record, @gross_change_minor) ON CONFLICT (record) DO NOTHING"}
  - name: bus
    fields: [service, gross]
    nats: {url: "NATS"}
`

var natsBinary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(filepath.Dir(gatewayBinary), "nats-server")
	out, err := exec.Command("go", "build", "-modfile=../tools/nats.mod", "-o", path,
		"github.com/nats-io/nats-server/v2").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("building nats-server: %w: %s", err, out)
	}
	return path, err
})

// startNATS starts a server with a stream for the records.
func startNATS(ctx context.Context, t *testing.T) *lab.NATS {
	t.Helper()
	binary, err := natsBinary()
	if err != nil {
		t.Fatal(err)
	}
	n, err := lab.NewNATS(binary, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Start(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Stop)
	makeStream(ctx, t, n.URL())
	return n
}

// makeStream makes the stream that keeps the records.
func makeStream(ctx context.Context, t *testing.T, url string, options ...nats.Option) {
	t.Helper()
	conn, err := nats.Connect(url, options...)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err == nil {
		_, err = js.CreateStream(ctx, jetstream.StreamConfig{
			Name: "RECORDS", Subjects: []string{"risposta.records.>"}, Duplicates: time.Hour,
		})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Every sink gets every version and every erasure, from the real servers; a sink that was away
// catches up; and SQL on what PostgreSQL has gives the sums that SQL on the ledger gives.
func TestLongDeliveredToEachSystem(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute)
	defer cancel()
	pg, err := lab.StartPostgres(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pg.Stop(); err != nil {
			t.Error(err)
		}
	})
	conn, err := pgx.Connect(ctx, pg.DSN())
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, func() error { return conn.Close(ctx) })
	if _, err := conn.Exec(ctx, `CREATE TABLE theirs (record text PRIMARY KEY, change bigint)`); err != nil {
		t.Fatal(err)
	}
	bus := startNATS(ctx, t)
	h, url := newHook(t)
	config := strings.NewReplacer("HOOK", url, "NATS", bus.URL()).Replace(deliveryConfig + otherSinks)
	gw := deliveryGateway(t, config)
	gw.Setenv("RISPOSTA_DELIVERY_4_POSTGRES_DSN", pg.DSN())
	gw.Setenv("RISPOSTA_DELIVERY_5_POSTGRES_DSN", pg.DSN())
	dir := filepath.Dir(gw.Config)
	fill(ctx, t, filepath.Join(dir, "ledger.db"), 0, 1000)
	if err := gw.Start(); err != nil {
		t.Fatal(err)
	}
	for _, sink := range []string{"csv", "jsonl", "parquet", "table", "bus"} {
		verified(ctx, t, gw, sink)
	}
	verifyHook(ctx, t, gw, h)
	wantChanges(ctx, t, conn, filepath.Join(dir, "ledger.db"))
	wantSums(ctx, t, conn, filepath.Join(dir, "ledger.db"))

	// Away, and back: NATS keeps its stream.
	if _, err := gw.Terminate(ctx); err != nil {
		t.Fatal(err)
	}
	fill(ctx, t, filepath.Join(dir, "ledger.db"), 1000, 1200)
	bus.Stop()
	if err := gw.Start(); err != nil {
		t.Fatal(err)
	}
	verified(ctx, t, gw, "table")
	if !strings.Contains(gw.Log(), `"event":"delivery.failing"`) {
		t.Error("a sink that is away is not logged")
	}
	if err := bus.Start(ctx); err != nil {
		t.Fatal(err)
	}
	verified(ctx, t, gw, "bus")
	wantSums(ctx, t, conn, filepath.Join(dir, "ledger.db"))
	if code, err := gw.Terminate(ctx); err != nil || code != 0 {
		t.Errorf("exit %d, %v", code, err)
	}
}

// verifyHook compares the ids that the server has kept.
func verifyHook(ctx context.Context, t *testing.T, gw *lab.Gateway, h *hook) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "held")
	err := lab.Until(ctx, time.Minute, "the server to have everything", func() error {
		h.mu.Lock()
		text := strings.Join(h.ids, "\n")
		h.mu.Unlock()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			return err
		}
		out, code, err := gw.Command(ctx, "delivery", "verify", "hook", "--held", file)
		if code != 0 {
			err = fmt.Errorf("%s", out)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
