//go:build live

package postgres_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/ledger/postgres"
)

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

// However often a meter is killed in the middle of its commits, each call is kept once, and the
// next meter has the node within 5 s.
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

// A meter that is paused, perhaps in the middle of a transaction, keeps nobody from taking its
// node, and is fenced off when it wakes.
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
