//go:build live

package integration

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/integration/faultfs"
	"github.com/risposta/gateway/integration/lab"
	"github.com/risposta/gateway/metering/ledger"
)

var kills = flag.Int("kills", 10, "how often the gateway is killed while it delivers")

// killed is one gateway that delivers to one sink, and is killed at one step after the other.
type killed struct {
	ctx          context.Context
	steps        *steps
	gw           *lab.Gateway
	sink         string
	platter, dir string // the disk, and where it is shown
	calls        int    // in the ledger
	kills        map[string]int
	missed       int // runs that came to their end without the step
}

// The gateway is killed at every step of a delivery that can be seen from outside: before and after
// each call that creates, writes, syncs or renames a file of the sink or of the ledger, and between any
// two messages to and from an HTTP server, PostgreSQL and NATS. In the end nothing is missing at any of
// them, and what came twice has the id that it had.
func TestLongKilledAtEachStepOfADelivery(t *testing.T) {
	t.Parallel()
	if err := faultfs.Available(); err != nil {
		t.Fatal(err)
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	sinks := map[string]func(t *testing.T, rnd *rand.Rand, n int){
		"csv":     func(t *testing.T, rnd *rand.Rand, n int) { killAtFiles(t, "csv", killedCSV, rnd, n) },
		"parquet": func(t *testing.T, rnd *rand.Rand, n int) { killAtFiles(t, "parquet", killedParquet, rnd, n) },
		"hook":    killAtRequests, "table": killAtPostgres, "bus": killAtNATS,
	}
	for name, run := range sinks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, rand.New(rand.NewPCG(seed, 0)), (*kills+len(sinks)-1)/len(sinks))
		})
	}
}

// perKill bounds one kill: the start of a gateway, and a delivery. It takes a second or two, and longer
// beside other tests.
const perKill = 2 * time.Minute

// newKilled makes a gateway with one sink, on a disk of its own. edit makes its configuration.
func newKilled(t *testing.T, sink, config string, s *steps, n int) *killed {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute+time.Duration(n)*perKill)
	t.Cleanup(cancel)
	dir := t.TempDir()
	k := &killed{
		ctx: ctx, steps: s, sink: sink, kills: map[string]int{},
		platter: filepath.Join(dir, "platter"), dir: filepath.Join(dir, "disk"),
	}
	made := errors.Join(os.MkdirAll(filepath.Join(k.platter, "out"), 0o700), os.Mkdir(k.dir, 0o700))
	if made != nil {
		t.Fatal(made)
	}
	head, _, _ := strings.Cut(deliveryConfig, "  - name: csv")
	text := strings.Replace(head, "{{dir}}/ledger.db", "{{dir}}/disk/ledger.db", 1) + config
	var err error
	if k.gw, err = lab.NewGateway(gatewayBinary, dir, "", text); err != nil {
		t.Fatal(err)
	}
	return k
}

// run adds calls to the ledger, and starts the gateway on its disk, to be killed at a step; of no kind:
// to deliver all. while is called before the disk goes; nil: nothing is.
func (k *killed) run(t *testing.T, at step, while func()) {
	t.Helper()
	// The ledger is filled while no disk is shown: the kernel would keep the old bytes of its files.
	k.retryLetters(t)
	const more = 6
	fill(k.ctx, t, filepath.Join(k.platter, "ledger.db"), k.calls, k.calls+more)
	k.calls += more
	k.steps.reset(at)
	disk, err := faultfs.Mount(k.platter, k.dir)
	if err != nil {
		t.Fatal(err)
	}
	disk.Break(faultfs.Fault{Watch: k.steps.onDisk})
	if err := errors.Join(k.untilPortFree(), k.gw.Start()); err != nil {
		t.Fatal(errors.Join(err, disk.Unmount()))
	}
	k.steps.started(k.gw.PID())
	delivered := k.untilKilled()
	if delivered == nil && while != nil {
		while()
	}
	if err := errors.Join(k.gw.Kill(k.ctx), disk.Unmount()); err != nil {
		t.Fatal(err)
	}
	switch {
	case delivered == nil && at.kind != "":
		k.missed++
	case delivered != nil && !errors.Is(delivered, errKilled):
		t.Fatalf("at %v: %v\n%s", at, delivered, k.gw.Log())
	case at.kind != "":
		k.kills[at.kind]++
	}
}

// untilPortFree waits for the gateway's port: another test may have it while this gateway is dead.
func (k *killed) untilPortFree() error {
	return lab.Until(k.ctx, perKill, "the admin port to be free", func() error {
		l, err := net.Listen("tcp", k.gw.Admin)
		if err == nil {
			err = l.Close()
		}
		return err
	})
}

var errKilled = errors.New("killed")

// untilKilled waits until the gateway is killed, which is errKilled, or the sink has everything.
func (k *killed) untilKilled() error {
	var end error
	polls := 0
	err := lab.Until(k.ctx, perKill, "the sink to have everything", func() error {
		select {
		case <-k.steps.killed:
			end = errKilled
			return nil
		default:
		}
		_, text, err := k.gw.Get(k.ctx, "/metrics")
		if err != nil {
			return err
		}
		want := fmt.Sprintf("risposta_delivery_lag_leaves{sink=%q} 0\n", k.sink)
		if !strings.Contains(text, want) {
			polls = 0
			return errors.New("the sink lags behind")
		}
		// The lag is 0, too, before the first batch.
		if polls++; polls < 4 || !k.steps.begun() {
			return errors.New("the sink may lag behind")
		}
		return nil
	})
	return errors.Join(err, end)
}

// retryLetters asks for the dead letters once more, as soon as the ledger is free.
func (k *killed) retryLetters(t *testing.T) {
	t.Helper()
	err := lab.Until(k.ctx, perKill, "the ledger to be free", func() error {
		l, err := ledger.Open(k.ctx, filepath.Join(k.platter, "ledger.db"), ledger.Exclusive)
		if err != nil {
			return err
		}
		_, err = l.MarkLetters(k.ctx, k.sink, "", ledger.LetterRetry)
		return errors.Join(err, l.Close())
	})
	if err != nil {
		t.Fatal(err)
	}
}

// each kills the gateway n times, at each step in turn, in an order of chance. check is called at the
// end, with all delivered and the gateway running.
func (k *killed) each(t *testing.T, rnd *rand.Rand, n int, check func()) {
	t.Helper()
	k.run(t, step{}, nil) // makes the ledger and the tables
	k.run(t, step{}, nil)
	kinds := k.steps.kinds()
	if len(kinds) < 8 {
		t.Fatalf("a delivery has only these steps: %v", kinds)
	}
	names := slices.Sorted(maps.Keys(kinds))
	rnd.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	// Not every run comes to its step: how much a batch or a file has depends on when its calls come.
	tries := 0
	for ; tries-k.missed < n && k.missed <= 2*n+len(names); tries++ {
		kind := names[tries%len(names)]
		k.run(t, step{kind, 1 + rnd.IntN(kinds[kind])}, nil)
	}
	k.run(t, step{}, nil)
	k.run(t, step{}, check) // a letter of the last run is retried
	t.Logf("%s: %d kills at %d of %d kinds of steps, %d runs without the step, %d calls", k.sink,
		tries-k.missed, len(k.kills), len(kinds), k.missed, k.calls)
	for _, kind := range slices.Sorted(maps.Keys(k.kills)) {
		t.Logf("%4d at: %s", k.kills[kind], kind)
	}
	if tries-k.missed < n {
		t.Errorf("%d of %d runs have not come to their step, want %d that have", k.missed, tries, n)
	}
}
