//go:build live

package postgres_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/risposta/gateway/integration/lab"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
)

func open(t *testing.T, dsn string, mode ledger.Mode) (ledger.Store, error) {
	t.Helper()
	return ledger.Open(context.WithoutCancel(t.Context()), "postgres:"+dsn, mode)
}

// gateway is the one that has the whole ledger.
func gateway(t *testing.T, dsn string) ledger.Store {
	t.Helper()
	l, err := open(t, dsn, ledger.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// A server that may lose what was committed is refused, and the error names the setting. One that
// leaves durability to the session is not: the session asks for it.
func TestLiveAServerThatIsNotDurableIsRefused(t *testing.T) {
	for setting, refused := range map[string]bool{"fsync=off": true, "synchronous_commit=off": false} {
		pg, err := lab.StartPostgres(t.Context(), "fsync=on", setting)
		if err != nil {
			t.Fatal(err)
		}
		dsn := newDatabase(t, pg)
		l, err := open(t, dsn, ledger.Exclusive)
		if refused != (err != nil) || err != nil && !strings.Contains(err.Error(), setting) {
			t.Errorf("%s: %v; refused: want %t", setting, err, refused)
		}
		if err == nil {
			wantSynchronous(t, l, dsn)
		}
		if err := pg.Stop(); err != nil {
			t.Error(err)
		}
	}
}

// wantSynchronous closes a ledger after a look at what its sessions are set to.
func wantSynchronous(t *testing.T, l ledger.Store, dsn string) {
	t.Helper()
	execute(t, dsn, `CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		IF current_setting('synchronous_commit') <> 'on' THEN RAISE 'not durable'; END IF;
		RETURN NEW; END $$`)
	execute(t, dsn, `CREATE TRIGGER noted BEFORE INSERT ON risposta.open_call
		FOR EACH ROW EXECUTE FUNCTION public.noted()`)
	b := ledger.Batch{Opened: []ledger.OpenCall{{Call: "a"}}}
	if err := errors.Join(l.Commit(t.Context(), &b), l.Close()); err != nil {
		t.Error(err)
	}
}

// No password is in an error.
func TestLiveErrorsHoldNoPassword(t *testing.T) {
	for _, dsn := range []string{
		"host=127.0.0.1 port=1 user=u password=s3cret dbname=x",
		"host=db.example user=u password=s3cret",
		"host='127.0.0.1 password=s3cret",
		"//u:s3cret@127.0.0.1:1/x?sslmode=disable",
	} {
		_, err := open(t, dsn, ledger.ReadOnly)
		if err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", dsn, err)
		}
	}
}

// A gateway that lost its lock without knowing commits nothing once another one has the ledger; one
// whose server was started anew takes its lock again.
func TestLiveTheLockOutlivesTheServer(t *testing.T) {
	pg := ownServer(t)
	dsn := newDatabase(t, pg)
	first := gateway(t, dsn)
	pg.Kill()
	if err := pg.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	b := ledger.Batch{ID: "1", Node: "pbx", Watermark: noon}
	if _, err := persist(t.Context(), first, &b); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(30 * time.Second)
	for !isLocked(t, dsn) {
		if time.Now().After(deadline) {
			t.Fatal("the gateway does not take its lock again")
		}
		time.Sleep(50 * time.Millisecond)
	}
	if _, err := open(t, dsn, ledger.Exclusive); !errors.Is(err, ledger.ErrLocked) {
		t.Errorf("a second gateway: %v, want ErrLocked", err)
	}
	execute(t, dsn, `UPDATE risposta.node SET epoch = epoch + 1 WHERE node = ''`) // as another does
	b.ID = "2"
	if err := first.Commit(t.Context(), &b); !errors.Is(err, ledger.ErrFenced) {
		t.Errorf("after another gateway had the ledger: %v, want ErrFenced", err)
	}
}

// isLocked tells whether a session of the database holds an advisory lock.
func isLocked(t *testing.T, dsn string) (locked bool) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	err = conn.QueryRow(t.Context(), `SELECT EXISTS (SELECT 1 FROM pg_locks l
		JOIN pg_database d ON d.oid = l.database
		WHERE locktype = 'advisory' AND granted AND datname = current_database())`).Scan(&locked)
	if err = errors.Join(err, conn.Close(t.Context())); err != nil {
		t.Fatal(err)
	}
	return locked
}

// The changes of one node wait for each other, and for no other node's.
func TestLiveNodesDoNotWaitForEachOther(t *testing.T) {
	dsn := newDatabase(t, server)
	c := meter(t, dsn, "m")
	busy, other := take(t, c, "busy"), take(t, c, "other")
	begin(t, busy, "busy")
	begin(t, other, "other")
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	tx, err := conn.Begin(t.Context())
	if err == nil {
		_, err = tx.Exec(t.Context(), `SELECT 1 FROM risposta.node WHERE node = 'busy' FOR UPDATE`)
	}
	if err != nil {
		t.Fatal(err)
	}
	waiting := make(chan error, 1)
	go func() {
		_, err := persist(t.Context(), busy, oneCall("busy", "b", 0))
		waiting <- err
	}()
	if _, err := persist(t.Context(), other, oneCall("other", "o", 0)); err != nil {
		t.Error(err)
	}
	if v, err := c.Meet(t.Context()); err != nil || len(v.Nodes) != 2 {
		t.Errorf("%+v, %v: a meeting waits for a commit", v, err)
	}
	wantRecords(t, c.Whole(), "r-o1")
	if err := errors.Join(tx.Rollback(t.Context()), conn.Close(t.Context()), <-waiting); err != nil {
		t.Error(err)
	}
	wantRecords(t, c.Whole(), "r-b1", "r-o1")
}

// One gateway and meters do not meter the same node.
func TestLiveAGatewayLeavesNodesToTheirMeters(t *testing.T) {
	dsn := newDatabase(t, server)
	l, c := gateway(t, dsn), meter(t, dsn, "m")
	if err := l.Commit(t.Context(), &ledger.Batch{Node: "pbx1", Watermark: noon}); err != nil {
		t.Fatal(err)
	}
	m := take(t, c, "pbx1")
	if at, err := m.Watermark(t.Context(), "pbx1"); err != nil || !at.Equal(noon) {
		t.Errorf("the meter goes on from %s, %v", at, err)
	}
	b := ledger.Batch{Node: "pbx1", Opened: []ledger.OpenCall{{Call: "a", Node: "pbx1"}}}
	if err := l.Commit(t.Context(), &b); !errors.Is(err, ledger.ErrFenced) {
		t.Errorf("the gateway: %v, want ErrFenced", err)
	}
	b.Opened = nil
	b.Node = "pbx2"
	if err := l.Commit(t.Context(), &b); err != nil {
		t.Errorf("another node: %v", err)
	}
}

// What is erased is vacuumed as soon as no reader can see it any more.
func TestLiveScrubWaitsForReaders(t *testing.T) {
	l := gateway(t, newDatabase(t, server))
	for _, b := range []ledger.Batch{
		{
			Opened:   []ledger.OpenCall{{Call: "a"}},
			Evidence: []ledger.Evidence{{Call: "a", Frame: []byte("1")}},
		},
		{Records: []metering.Record{recordOf("a", 1)}},
	} {
		if err := l.Commit(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
	}
	err := l.Snapshot(t.Context(), func(ledger.Snapshot) error {
		err := l.Supersede(t.Context(), &ledger.Supersession{
			Call: "a", After: 1, At: noon, Erased: []metering.Record{recordOf("a", 1).Erased("e-x")},
		})
		if err != nil {
			return err
		}
		done, err := l.Scrub(t.Context())
		if done {
			t.Error("scrubbed although a reader still sees what was erased")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if done, err := l.Scrub(t.Context()); err != nil || !done {
		t.Errorf("without a reader: %t, %v", done, err)
	}
}
