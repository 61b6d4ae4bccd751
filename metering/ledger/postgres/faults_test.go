//go:build live

package postgres_test

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/risposta/gateway/integration/lab"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/ledger/postgres"
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
	random := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // the seed makes it again
	t.Logf("seed %d", seed)
	c := meter(t, p.through(t, dsn, server), "m")
	r := startWork(t, c)
	for range 25 {
		p.cutAfter(random.IntN(8000)) // a commit is some 3 kB
		r.waitFor(t, 3)
	}
	wantAll(t, dsn, r.end(t))
	if p.cuts < 10 {
		t.Errorf("%d cuts, want 10 at least", p.cuts)
	}
}

// A connection on which nothing comes through any more holds up the meter for seconds, not for ever.
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
	pg, err := lab.StartPostgresIn(t.Context(), home, "fsync=on", "max_wal_size=48MB", "min_wal_size=32MB")
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

// child is a meter in a process of its own.
type child struct {
	*exec.Cmd
	lines *bufio.Scanner
}

const childEnv = "METER_AT_WORK"

// TestLiveMeterProcess is the child. It prints the number of calls after each commit.
func TestLiveMeterProcess(t *testing.T) {
	dsn := os.Getenv(childEnv)
	if dsn == "" {
		t.Log("it runs as a process of the other tests")
		return
	}
	c, err := postgres.OpenCluster(t.Context(), dsn, "child")
	if err != nil {
		t.Fatal(err)
	}
	lease, err := c.Take(t.Context(), workNode)
	if err != nil {
		t.Fatal(err)
	}
	_, err = work(t.Context(), c.Open(lease), nil, func(n int64) { fmt.Println("committed", n) })
	fmt.Println("ended", errors.Is(err, ledger.ErrFenced), err)
}

func startChild(t *testing.T, dsn string) *child {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run", "^TestLiveMeterProcess$", "-test.v")
	cmd.Env = append(os.Environ(), childEnv+"="+dsn)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
	})
	return &child{cmd, bufio.NewScanner(out)}
}

// committed reads until the child has committed some more calls, and returns how many in all.
func (c *child) committed(t *testing.T, more int) (n int64) {
	t.Helper()
	for more > 0 && c.lines.Scan() {
		if text, ok := strings.CutPrefix(c.lines.Text(), "committed "); ok {
			var err error
			if n, err = strconv.ParseInt(text, 10, 64); err != nil {
				t.Fatal(err)
			}
			more--
		}
	}
	if more > 0 {
		t.Fatalf("the meter ended: %v", c.lines.Err())
	}
	return n
}

// forChild prepares a node for children.
func forChild(t *testing.T) (dsn string, c *postgres.Cluster) {
	t.Helper()
	dsn = newDatabase(t, server)
	c = meter(t, dsn, "first")
	m := take(t, c, workNode)
	begin(t, m, workNode)
	runOut(t, dsn, c)
	return dsn, c
}

// However often a meter is killed in the middle of its commits, each call is kept once, and the next
// meter has the node within 5 s.
func TestLiveMeterIsKilledDuringCommits(t *testing.T) {
	dsn, c := forChild(t)
	var known int64
	for range 3 {
		m := startChild(t, dsn)
		known = m.committed(t, 20)
		if err := m.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		passesWithin(t, c, 5*time.Second)
		runOut(t, dsn, c)
	}
	lease, err := c.Take(t.Context(), workNode)
	if err != nil {
		t.Fatal(err)
	}
	p, err := c.Open(lease).Position(t.Context())
	if err != nil || p.Seq < known {
		t.Fatalf("the position is %+v, %v; %d calls were reported as committed", p, err, known)
	}
	wantAll(t, dsn, p.Seq)
}

// passesWithin takes the node as soon as it is free.
func passesWithin(t *testing.T, c *postgres.Cluster, most time.Duration) ledger.Metered {
	t.Helper()
	began := time.Now()
	for {
		lease, err := c.Take(t.Context(), workNode)
		took := time.Since(began)
		if err == nil {
			t.Logf("the node passed after %s", took.Round(time.Millisecond))
			if took > most {
				t.Errorf("the node passed after %s, want %s at most", took, most)
			}
			return c.Open(lease)
		}
		if took > time.Minute {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond) // a meter tries from time to time
	}
}

// A meter that is paused, perhaps in the middle of a transaction, keeps nobody from taking its node,
// and is fenced off when it wakes.
func TestLiveAPausedMeterIsFencedOff(t *testing.T) {
	dsn, c := forChild(t)
	paused := startChild(t, dsn)
	paused.committed(t, 20)
	if err := paused.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	m := passesWithin(t, c, 5*time.Second)
	p, err := m.Position(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := persist(t.Context(), m, oneCall(workNode, workCall(p.Seq), p.Seq)); err != nil {
		t.Fatal(err)
	}
	if err := paused.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	for paused.lines.Scan() {
		if text, ok := strings.CutPrefix(paused.lines.Text(), "ended "); ok {
			if !strings.HasPrefix(text, "true") {
				t.Errorf("the meter that woke ended with %s, want ErrFenced", text)
			}
			wantAll(t, dsn, p.Seq+1)
			return
		}
	}
	t.Fatal("the meter that woke did not end")
}
