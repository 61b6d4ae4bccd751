//go:build live

package postgres_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/risposta/gateway/integration/lab"
)

// Whatever moment the server crashes at, each commit is kept once.
func TestLiveServerCrashesDuringCommits(t *testing.T) {
	pg := ownServer(t)
	dsn := newDatabase(t, pg)
	r := startWork(t, meter(t, dsn, "m"))
	for range 4 {
		r.waitFor(t, 5)
		pg.Kill()
		if err := pg.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	r.waitFor(t, 5)
	wantAll(t, dsn, r.end(t))
	if r.failures == 0 {
		t.Error("no commit failed")
	}
}

// Whatever byte the connection is cut at, each commit is kept once.
func TestLiveConnectionsAreCutDuringCommits(t *testing.T) {
	dsn := newDatabase(t, server)
	p := newProxy(t, server)
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 1))
	t.Logf("seed %d", seed)
	c := meter(t, p.through(t, dsn, server), "m")
	r := startWork(t, c)
	for range 25 {
		p.cutAfter(random.IntN(8000)) // a commit is some 3 kB
		r.waitFor(t, 3)
	}
	p.cutAfter(-1) // what gives the node back at the end is no commit
	wantAll(t, dsn, r.end(t))
	if p.cuts < 10 {
		t.Errorf("%d cuts, want 10 at least", p.cuts)
	}
}

// A connection on which nothing comes through any more holds up the meter for seconds, not for
// ever.
func TestLiveAConnectionThatIsStuckIsGivenUp(t *testing.T) {
	dsn := newDatabase(t, server)
	p := newProxy(t, server)
	c := meter(t, p.through(t, dsn, server), "m")
	m := take(t, c, workNode)
	begin(t, m, workNode)
	release := p.stick()
	began := time.Now()
	b := oneCall(workNode, workCall(0), 0)
	if err := m.Commit(t.Context(), b); err == nil {
		t.Error("a commit came through")
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("the commit was given up after %s", took)
	}
	release()
	if _, err := persist(t.Context(), m, b); err != nil {
		t.Fatal(err)
	}
	wantAll(t, dsn, 1)
}

// While the disk of the server is full nothing is reported as kept that is not, and afterwards the
// meter goes on.
func TestLiveServersDiskIsFull(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=160m,mode=0755"); err != nil {
		t.Fatalf("mounting a small file system (root may): %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	openParents(t, dir)
	home := filepath.Join(dir, "server")
	if err := os.Mkdir(home, 0o700); err != nil {
		t.Fatal(err)
	}
	pg, err := lab.StartPostgresIn(t.Context(), home,
		"fsync=on", "max_wal_size=48MB", "min_wal_size=32MB")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pg.Stop(); err != nil {
			t.Error(err)
		}
	})
	dsn := newDatabase(t, pg)
	r := startWork(t, meter(t, dsn, "m"))
	r.waitFor(t, 10)
	filler := filepath.Join(dir, "filler")
	fill(t, filler)
	deadline := time.Now().Add(time.Minute)
	for stood := r.last; ; { // until no commit succeeds any more
		select {
		case r.last = <-r.progress:
		case <-time.After(3 * time.Second):
		}
		if r.last == stood {
			break
		}
		if stood = r.last; time.Now().After(deadline) {
			t.Fatal("the disk does not become full")
		}
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if !pg.Running() { // it could not write its log
		if err := pg.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	r.waitFor(t, 10)
	wantAll(t, dsn, r.end(t))
	if r.failures == 0 {
		t.Error("no commit failed")
	}
}

// openParents lets the user of the server through to a folder of the test.
func openParents(t *testing.T, dir string) {
	t.Helper()
	for ; dir != filepath.Clean(os.TempDir()) && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// fill writes a file until the disk is full.
func fill(t *testing.T, file string) {
	t.Helper()
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{1 << 20, 4096, 1} {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, size))
		}
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("filling the disk: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
