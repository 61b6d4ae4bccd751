//go:build live

package postgres_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/ledger/postgres"
	"github.com/risposta/gateway/metering/tariff"
)

// meter is a meter of a cluster.
func meter(t *testing.T, dsn, name string) *postgres.Cluster {
	t.Helper()
	c, err := postgres.OpenCluster(t.Context(), dsn, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func take(t *testing.T, c *postgres.Cluster, node string) ledger.Metered {
	t.Helper()
	if err := c.AddNode(t.Context(), node); err != nil {
		t.Fatal(err)
	}
	l, err := c.Take(t.Context(), node)
	if err != nil {
		t.Fatal(err)
	}
	return c.Open(l)
}

// execute runs a statement as an administrator of the server.
func execute(t *testing.T, dsn, query string, args ...any) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	_, err = conn.Exec(t.Context(), query, args...)
	if err = errors.Join(err, conn.Close(t.Context())); err != nil {
		t.Fatal(err)
	}
}

// runOut lets the leases of a meter run out, as time does.
func runOut(t *testing.T, dsn string, c *postgres.Cluster) {
	t.Helper()
	execute(t, dsn, `
		UPDATE risposta.node SET expires_at = clock_timestamp() WHERE meter = $1`, c.Meter())
}

func recordOf(call metering.CallID, version int) metering.Record {
	return metering.Record{
		Record: fmt.Sprint("r-", call, version), Version: version, Call: call, Service: "help",
		Charge: tariff.Zero(nil), ArrivedAt: metering.Time{Time: noon},
		EndedAt: metering.Time{Time: noon},
	}
}

// oneCall is a batch of a call that comes and goes, from a position to the next.
func oneCall(node string, call metering.CallID, at int64) *ledger.Batch {
	return &ledger.Batch{
		ID: fmt.Sprint(node, "-", at), Node: node,
		Opened:   []ledger.OpenCall{{Call: call, Node: node, Service: "help", ArrivedAt: noon}},
		Evidence: []ledger.Evidence{{Call: call, Frame: []byte("1")}, {Call: call, Frame: []byte("2")}},
		Records:  []metering.Record{recordOf(call, 1)},
		Advance: &ledger.Advance{
			From: ledger.Position{Run: "run", Seq: at}, To: ledger.Position{Run: "run", Seq: at + 1},
		},
	}
}

// begin moves a node from before all to the first position.
func begin(t *testing.T, m ledger.Metered, node string) {
	t.Helper()
	first := ledger.Advance{To: ledger.Position{Run: "run"}}
	b := ledger.Batch{ID: "begin", Node: node, Advance: &first}
	if err := m.Commit(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
}

// A meter whose lease passed to another commits nothing any more, whatever it does, and the other
// goes on from where it was. Of one commit each: position, evidence and records together.
func TestLiveAFencedMeterCommitsNothing(t *testing.T) {
	dsn := newDatabase(t, server)
	first, second := meter(t, dsn, "first"), meter(t, dsn, "second")
	a := take(t, first, "pbx1")
	begin(t, a, "pbx1")
	if err := a.Commit(t.Context(), oneCall("pbx1", "c1", 0)); err != nil {
		t.Fatal(err)
	}
	if _, err := second.Take(t.Context(), "pbx1"); !errors.Is(err, ledger.ErrLeased) {
		t.Fatalf("a node that another has: %v, want ErrLeased", err)
	}
	runOut(t, dsn, first)
	lease, err := second.Take(t.Context(), "pbx1")
	if err != nil || lease.Epoch != 2 {
		t.Fatalf("%+v, %v; want epoch 2", lease, err)
	}
	b := second.Open(lease)
	for name, err := range map[string]error{
		"a commit":       a.Commit(t.Context(), oneCall("pbx1", "c2", 1)),
		"its last batch": a.Commit(t.Context(), oneCall("pbx1", "c1", 0)),
		"a watermark":    a.Commit(t.Context(), &ledger.Batch{Node: "pbx1", Watermark: noon}),
		"a version": a.Supersede(t.Context(), &ledger.Supersession{
			Call: "c1", After: 1, Records: []metering.Record{recordOf("c1", 2)},
		}),
		"a dispute":    a.OpenDispute(t.Context(), "c1", noon, ""),
		"a cursor":     a.SaveCursor(t.Context(), "sink", ledger.Cursor{Next: 1}, nil),
		"the register": a.NoteRegister(t.Context(), []byte("x")),
	} {
		if !errors.Is(err, ledger.ErrFenced) {
			t.Errorf("%s: %v, want ErrFenced", name, err)
		}
	}
	if p, err := b.Position(t.Context()); err != nil || p != (ledger.Position{Run: "run", Seq: 1}) {
		t.Errorf("the position is %+v, %v", p, err)
	}
	past := oneCall("pbx1", "c2", 0)
	past.ID = "another"
	if err := b.Commit(t.Context(), past); !errors.Is(err, ledger.ErrFenced) {
		t.Errorf("from a position that is past: %v, want ErrFenced", err)
	}
	if err := b.Commit(t.Context(), oneCall("pbx1", "c2", 1)); err != nil {
		t.Error(err)
	}
	wantRecords(t, second.Whole(), "r-c11", "r-c21")
}

// wantRecords compares the newest versions.
func wantRecords(t *testing.T, l ledger.Reader, want ...string) {
	t.Helper()
	var got []string
	err := l.Records(t.Context(), ledger.Query{}, func(text []byte) error {
		got = append(got, strings.Split(string(text), `"`)[3])
		return nil
	})
	slices.Sort(got)
	slices.Sort(want)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("records %q, %v; want %q", got, err, want)
	}
}

// A checkpoint stays while the position moves on, and until another one replaces it. A batch that
// is committed again moves nothing twice.
func TestLiveACheckpointStaysBesideThePosition(t *testing.T) {
	m := take(t, meter(t, newDatabase(t, server), "m"), "pbx1")
	begin(t, m, "pbx1")
	for at, checkpoint := range [][]byte{[]byte("x"), nil, []byte("y"), nil} {
		b := oneCall("pbx1", metering.CallID(fmt.Sprint("c", at)), int64(at))
		b.Checkpoint = checkpoint
		for range 2 {
			if err := m.Commit(t.Context(), b); err != nil {
				t.Fatal(err)
			}
		}
		want := []string{"x", "x", "y", "y"}[at]
		if got, err := m.Checkpoint(t.Context(), "pbx1"); err != nil || string(got) != want {
			t.Errorf("at %d the checkpoint is %q, %v; want %s", at, got, err, want)
		}
	}
	if p, err := m.Position(t.Context()); err != nil || p.Seq != 4 {
		t.Errorf("%+v, %v; want 4", p, err)
	}
}

// Each node has a log of its own; the whole ledger reads all calls, and changes each in its log.
func TestLiveEachNodeHasItsLog(t *testing.T) {
	c := meter(t, newDatabase(t, server), "m")
	for _, node := range []string{"pbx1", "pbx2"} {
		m := take(t, c, node)
		begin(t, m, node)
		if err := m.Commit(t.Context(), oneCall(node, metering.CallID(node+"-c"), 0)); err != nil {
			t.Fatal(err)
		}
		wantRecords(t, m, "r-"+node+"-c1")
		if err := m.Commit(t.Context(), &ledger.Batch{Node: "other", Watermark: noon}); err == nil {
			t.Error("a batch of another node was kept")
		}
	}
	whole := c.Whole()
	wantRecords(t, whole, "r-pbx1-c1", "r-pbx2-c1")
	if err := whole.OpenDispute(t.Context(), "pbx2-c", noon, ""); err != nil {
		t.Fatal(err)
	}
	logs, err := whole.Logs(t.Context())
	if err != nil || !slices.Equal(logs, []string{"pbx1", "pbx2"}) {
		t.Fatalf("%q, %v", logs, err)
	}
	for log, want := range map[string]int64{"": 0, "pbx1": 1, "pbx2": 2} {
		if n, err := whole.Log(log).EndOfLog(t.Context()); err != nil || n != want {
			t.Errorf("the log of %q has %d leaves, %v; want %d", log, n, err, want)
		}
	}
	var offered int64
	for range 2 {
		row := rows(t, whole)[0]
		offered += row
	}
	if offered != 4 {
		t.Errorf("%d calls are counted twice over, want 4", offered)
	}
}

// Meters share nodes evenly, take over from one that is gone within the time of a lease and one
// meeting, and tell who is alive by the database's clock.
func TestLiveNodesPassWithinFiveSeconds(t *testing.T) {
	dsn := newDatabase(t, server)
	a, b := meter(t, dsn, "a"), meter(t, dsn, "b")
	nodes := []string{"n1", "n2", "n3", "n4"}
	for _, n := range nodes {
		if err := a.AddNode(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	step(t, a)
	for range 4 {
		step(t, b)
		step(t, a)
	}
	if ha, hb := held(t, a, a), held(t, a, b); ha != 2 || hb != 2 {
		t.Fatalf("a has %d nodes, b %d; want two each", ha, hb)
	}
	began := time.Now() // a says nothing any more
	for held(t, b, b) < 4 {
		if time.Since(began) > 30*time.Second {
			t.Fatal("b did not get the nodes of a")
		}
		step(t, b)
		time.Sleep(100 * time.Millisecond) // a meter meets the others from time to time
	}
	t.Logf("the nodes passed after %s", time.Since(began).Round(time.Millisecond))
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the nodes passed after %s, want 5 s at most", took)
	}
}

// step is what a meter does from time to time.
func step(t *testing.T, c *postgres.Cluster) {
	t.Helper()
	v, err := c.Meet(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	share := v.Share(c.Meter())
	for _, n := range share.Take {
		if _, err := c.Take(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range v.Nodes {
		if n.Node == share.Give {
			if err := c.Release(t.Context(), n.Lease); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func held(t *testing.T, by, c *postgres.Cluster) (n int) {
	t.Helper()
	v, err := by.Meet(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, node := range v.Nodes {
		if node.Meter == c.Meter() && !node.Free {
			n++
		}
	}
	return n
}
