//go:build live

package integration

import (
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/risposta/gateway/integration/lab"
)

// The sinks of the kills: one gateway for each, so that each step is one of that sink's deliveries.
const (
	killedCSV = `  - name: csv
    fields: [service, currency, gross, gross_change_minor]
    file: {folder: "{{dir}}/disk/out", format: csv, every: 1s, max_records: 5}
`
	killedParquet = `  - name: parquet
    fields: [service, currency, gross]
    file: {folder: "{{dir}}/disk/out", format: parquet, every: 1s, max_records: 5}
`
	killedHook = `  - name: hook
    fields: [service, gross]
    webhook: {url: "FAREND", batch: 4}
`
	killedTable = `  - name: table
    fields: [service, currency, gross, gross_minor]
    postgres: {table: risposta_calls}
`
	killedBus = `  - name: bus
    fields: [service, gross]
    nats: {url: "FAREND"}
`
)

func killAtFiles(t *testing.T, sink, config string, rnd *rand.Rand, n int) {
	k := newKilled(t, sink, config, &steps{}, n)
	k.each(t, rnd, n, func() { verified(k.ctx, t, k.gw, sink) })
}

func killAtRequests(t *testing.T, rnd *rand.Rand, n int) {
	s := &steps{}
	h := &hook{has: map[string]bool{}, refused: map[string]bool{}}
	// A version that is refused once becomes a dead letter, and is settled by the next run.
	h.refuses = func(id string) bool { return refusedOnce(id) }
	server := httptest.NewServer(s.onRequests(h))
	t.Cleanup(server.Close)
	k := newKilled(t, "hook", strings.Replace(killedHook, "FAREND", server.URL, 1), s, n)
	k.each(t, rnd, n, func() { verifyHook(k.ctx, t, k.gw, h) })
	h.mu.Lock()
	defer h.mu.Unlock()
	wantFirstVersionsInOrder(t, slices.DeleteFunc(slices.Clone(h.ids), refusedOnce))
	if len(h.refused) == 0 {
		t.Error("no event was refused")
	}
	t.Logf("%d events at the server, %d of them came again, %d were refused once", len(h.ids), h.repeats,
		len(h.refused))
}

// refusedOnce is about every eighth call.
func refusedOnce(id string) bool {
	parts := strings.Split(id, "-")
	call, err := strconv.Atoi(parts[1])
	return err == nil && call%8 == 3 && len(parts) == 3
}

func killAtPostgres(t *testing.T, rnd *rand.Rand, n int) {
	s := &steps{}
	k := newKilled(t, "table", killedTable, s, n)
	pg, err := lab.StartPostgres(k.ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pg.Stop(); err != nil {
			t.Error(err)
		}
	})
	conn, err := pgx.Connect(k.ctx, pg.DSN())
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, func() error { return conn.Close(k.ctx) })
	address := stepProxy(t, fmt.Sprintf("127.0.0.1:%d", conn.Config().Port), s, readPG)
	_, port, _ := strings.Cut(address, ":")
	k.gw.Setenv("RISPOSTA_DELIVERY_0_POSTGRES_DSN",
		strings.Replace(pg.DSN(), fmt.Sprint("port=", conn.Config().Port), "port="+port, 1))
	k.each(t, rnd, n, func() { verified(k.ctx, t, k.gw, "table") })
	wantSums(k.ctx, t, conn, filepath.Join(k.platter, "ledger.db"))
}

func killAtNATS(t *testing.T, rnd *rand.Rand, n int) {
	s := &steps{}
	bus := startNATS(t.Context(), t)
	address := stepProxy(t, strings.TrimPrefix(bus.URL(), "nats://"), s, readNATS)
	k := newKilled(t, "bus", strings.Replace(killedBus, "FAREND", "nats://"+address, 1), s, n)
	k.each(t, rnd, n, func() { verified(k.ctx, t, k.gw, "bus") })
}

// wantFirstVersionsInOrder checks that the first versions, whose ids count up, have arrived in order.
func wantFirstVersionsInOrder(t *testing.T, ids []string) {
	t.Helper()
	var first []string
	for _, id := range ids {
		if strings.HasSuffix(id, "-1") {
			first = append(first, id)
		}
	}
	if !slices.IsSorted(first) || len(first) == 0 {
		t.Errorf("%d first versions have not arrived in their order", len(first))
	}
}
