//go:build live

package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/risposta/gateway/integration/lab"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/ledger/merkle"
	"github.com/risposta/gateway/metering/ledger/postgres"
)

// The node and its calls that a meter works on while something breaks.
const workNode = "pbx1"

func workCall(at int64) metering.CallID { return metering.CallID(fmt.Sprintf("call-%05d", at)) }

// persist commits a batch as a meter does: the same again after an error that says nothing else. It
// returns how often it failed.
func persist(ctx context.Context, w ledger.Writer, b *ledger.Batch) (failures int, err error) {
	for {
		err := w.Commit(ctx, b)
		if err == nil || errors.Is(err, ledger.ErrFenced) || errors.Is(err, ledger.ErrBroken) {
			return failures, err
		}
		failures++
		select {
		case <-ctx.Done():
			return failures, errors.Join(err, ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// work commits a call after the other, from the node's position on, until stop is closed or the
// meter is fenced off. It returns how many calls were committed in the end, and how often a commit
// failed.
func work(
	ctx context.Context, m ledger.Metered, stop <-chan struct{}, committed func(int64),
) (failures int, err error) {
	position, err := m.Position(ctx)
	if err != nil {
		return 0, err
	}
	for at := position.Seq; ; at++ {
		select {
		case <-stop:
			return failures, nil
		default:
		}
		n, err := persist(ctx, m, oneCall(workNode, workCall(at), at))
		failures += n
		if err != nil {
			return failures, err
		}
		committed(at + 1)
	}
}

// wantAll checks that the ledger has the first calls, each once, with its evidence, and the node's
// position after them; and that the log is that of the records alone.
func wantAll(t *testing.T, dsn string, calls int64) {
	t.Helper()
	c, err := postgres.OpenCluster(t.Context(), dsn, "checks")
	if err != nil {
		t.Fatal(err)
	}
	l := c.Whole().Log(workNode)
	var next int64
	err = l.EveryRecord(t.Context(), func(row ledger.Row) error {
		want := recordOf(workCall(next), 1)
		if next++; !bytes.Equal(row.JSON, want.JSON()) {
			t.Errorf("record %d is %s", next, row.JSON)
		}
		frames, err := l.Evidence(t.Context(), row.Call)
		if len(frames) != 2 || string(frames[0])+string(frames[1]) != "12" {
			t.Errorf("the evidence of %s is %q", row.Call, frames)
		}
		return err
	})
	if err != nil || next != calls {
		t.Errorf("%d records, %v; want %d", next, err, calls)
	}
	wantLog(t, l, calls)
	if open, err := l.OpenCalls(t.Context(), ledger.AnyNode); err != nil || len(open) != 0 {
		t.Errorf("%d calls are open, %v", len(open), err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// wantLog compares the stored hashes with those of the tree that so many leaves make.
func wantLog(t *testing.T, l ledger.Log, leaves int64) {
	t.Helper()
	var memory merkle.Memory
	var tree []tlog.Hash
	err := l.Leaves(t.Context(), func(_ int64, _ string, text []byte) error {
		leaf, err := merkle.ParseLeaf(text)
		if err != nil {
			return err
		}
		added, err := memory.Add(leaf)
		tree = append(tree, added...)
		return err
	})
	stored := 0
	err = errors.Join(err, l.Hashes(t.Context(), func(i int64, hash []byte) error {
		if i != int64(stored) || stored >= len(tree) || tlog.Hash(hash) != tree[stored] {
			t.Errorf("hash %d is not that of the leaves", i)
		}
		stored++
		return nil
	}))
	if err != nil || memory.Len() != leaves || stored != len(tree) {
		t.Errorf("%d leaves and %d hashes, %v; want %d and %d",
			memory.Len(), stored, err, leaves, len(tree))
	}
}

// ownServer is a server that the test may hurt.
func ownServer(t *testing.T) *lab.Postgres {
	t.Helper()
	pg, err := lab.StartPostgres(t.Context(), "fsync=on")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pg.Stop(); err != nil {
			t.Error(err)
		}
	})
	return pg
}

// running is a meter at work.
type running struct {
	stop     chan struct{}
	progress chan int64 // the newest number of committed calls
	done     chan error
	failures int
	last     int64
}

// startWork takes the node and starts to work.
func startWork(t *testing.T, c *postgres.Cluster) *running {
	t.Helper()
	m := take(t, c, workNode)
	begin(t, m, workNode)
	r := &running{stop: make(chan struct{}), progress: make(chan int64, 1), done: make(chan error, 1)}
	go func() {
		failures, err := work(t.Context(), m, r.stop, func(n int64) {
			select { // only the newest
			case <-r.progress:
			default:
			}
			r.progress <- n
		})
		r.failures = failures
		r.done <- err
	}()
	return r
}

// waitFor waits until so many more calls are committed.
func (r *running) waitFor(t *testing.T, more int64) {
	t.Helper()
	deadline := time.After(2 * time.Minute)
	for goal := r.last + more; r.last < goal; {
		select {
		case r.last = <-r.progress:
		case err := <-r.done:
			t.Fatalf("the meter ended: %v", err)
		case <-deadline:
			t.Fatalf("no commit succeeds after %d", r.last)
		}
	}
}

// end stops the meter, and returns how many calls are committed.
func (r *running) end(t *testing.T) int64 {
	t.Helper()
	close(r.stop)
	if err := <-r.done; err != nil {
		t.Fatal(err)
	}
	select {
	case r.last = <-r.progress:
	default:
	}
	return r.last
}
