//go:build live

package integration

import (
	"context"
	"flag"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/risposta/gateway/integration/lab"
)

var kills = flag.Int("kills", 6, "how often the gateway is killed while it delivers")

// tableSink is the one of otherSinks that is killed, too.
const tableSink = `  - name: table
    fields: [service, currency, gross, gross_minor]
    postgres: {table: risposta_calls}
`

// The gateway is killed while it delivers to files, to an HTTP server and to PostgreSQL: in the middle
// of a request, which the server has kept or not answered, or at any other instant. In the end nothing
// is missing at any of them, and a repeat has the id that it had.
func TestLiveKilledWhileItDelivers(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute+time.Duration(*kills)*time.Minute)
	defer cancel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, seed))
	pg, err := lab.StartPostgres(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pg.Stop(); err != nil {
			t.Error(err)
		}
	})
	h, url := newHook(t)
	hookSink, _, _ := strings.Cut(otherSinks, "  - name: table")
	config := strings.NewReplacer("HOOK", url, "batch: 50", "batch: 5").
		Replace(deliveryConfig + hookSink + tableSink)
	gw := deliveryGateway(t, config)
	gw.Setenv("RISPOSTA_DELIVERY_4_POSTGRES_DSN", pg.DSN())
	file := filepath.Join(filepath.Dir(gw.Config), "ledger.db")
	const more = 20
	calls := 0
	for range *kills {
		fill(ctx, t, file, calls, calls+more)
		calls += more
		killWhileDelivering(ctx, t, gw, h, rnd)
	}
	h.mu.Lock()
	h.during = nil
	h.mu.Unlock()
	if err := gw.Start(); err != nil {
		t.Fatal(err)
	}
	for _, sink := range []string{"csv", "jsonl", "parquet", "table"} {
		verified(ctx, t, gw, sink)
	}
	verifyHook(ctx, t, gw, h)
	wantFirstVersionsInOrder(t, h.ids)
	conn, err := pgx.Connect(ctx, pg.DSN())
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, func() error { return conn.Close(ctx) })
	wantSums(ctx, t, conn, file)
	t.Logf("%d kills, %d calls, %d events at the server, %d of them came again", *kills, calls,
		len(h.ids), h.repeats)
	if _, err := gw.Terminate(ctx); err != nil {
		t.Error(err)
	}
}

// killWhileDelivering starts the gateway and kills it: in one of its first requests, after the server
// has kept the events and before it has answered; or after some milliseconds.
func killWhileDelivering(
	ctx context.Context, t *testing.T, gw *lab.Gateway, h *hook, rnd *rand.Rand,
) {
	t.Helper()
	at := make(chan struct{}, 1)
	wait := time.Duration(rnd.IntN(1500)) * time.Millisecond
	h.mu.Lock()
	h.during = nil
	if rnd.IntN(2) == 0 {
		last := h.requests + 1 + rnd.IntN(4)
		wait = 20 * time.Second // a bound: the request comes earlier
		h.during = func(request int) {
			if request == last {
				at <- struct{}{}
				time.Sleep(5 * time.Millisecond) // the kill may come before the answer, or after it
			}
		}
	}
	h.mu.Unlock()
	if err := gw.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-at:
	case <-time.After(wait):
	}
	if err := gw.Kill(ctx); err != nil {
		t.Fatal(err)
	}
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
