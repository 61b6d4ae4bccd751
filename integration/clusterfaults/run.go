package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/risposta/gateway/ari/aritest"
	"github.com/risposta/gateway/integration/faultfs"
	"github.com/risposta/gateway/integration/lab"
)

// binaries are the programs under test.
type binaries struct {
	risposta, nats string
	shifted        func() (string, error) // risposta with a clock that can be set
}

// shape is what a run's cluster is made of.
type shape struct {
	nodes   []string // the asterisk_id of each PBX
	meters  int
	servers int  // of NATS
	disks   bool // that can be full
	clocks  bool // that differ
}

// pbxs are the nodes of two PBXs.
var pbxs = []string{"pbx-a", "pbx-b"}

var (
	plain       = shape{nodes: pbxs, meters: 2, servers: 1}
	replicated  = shape{nodes: pbxs, meters: 2, servers: 3}
	fullDisks   = shape{nodes: pbxs, meters: 2, servers: 1, disks: true}
	clocksApart = shape{nodes: pbxs, meters: 2, servers: 1, clocks: true}
	sameNode    = shape{nodes: []string{"pbx-a", "pbx-a"}, meters: 2, servers: 1}
)

// testRun is one run: fake PBXs, which know the true talk, and the processes of a cluster.
type testRun struct {
	ctx     context.Context
	dir     string
	shape   shape
	pbxs    []*aritest.PBX
	centres []*aritest.Centre
	cluster *lab.Cluster
	disks   []*faultfs.FS // of the taps
	pgDisk  *smallDisk
	calls   sync.WaitGroup

	mu  sync.Mutex
	rnd *rand.Rand
	// busy has a lock for each thing that a fault has to itself.
	busy map[any]*sync.Mutex
}

// times are those of a call.
var times = aritest.Times{
	Wait: 600 * time.Millisecond, Talk: 1200 * time.Millisecond, Hold: 500 * time.Millisecond,
}

// callGap is between two calls of a PBX.
const callGap = 400 * time.Millisecond

// startTimeout bounds the start of a cluster: the machine may run several.
const startTimeout = 2 * time.Minute

// newTestRun starts everything, and returns when the calls of all PBXs are metered.
func newTestRun(ctx context.Context, b binaries, sh shape, seed uint64) (s *testRun, err error) {
	s = &testRun{
		ctx: ctx, shape: sh, rnd: rand.New(rand.NewPCG(seed, 1)), busy: map[any]*sync.Mutex{},
	}
	if s.dir, err = os.MkdirTemp("", "risposta-cluster-"); err != nil {
		return nil, err
	}
	var urls []string
	for i, node := range sh.nodes {
		p := aritest.NewNode(node)
		s.pbxs, urls = append(s.pbxs, p), append(urls, p.URL())
		s.centres = append(s.centres, aritest.NewCentre(p, seed+uint64(i)))
	}
	conf := lab.ClusterConfig{
		Binary: b.risposta, NATSServer: b.nats, Dir: s.dir, PBXs: urls, Password: aritest.Password,
		Meters: sh.meters, Servers: sh.servers,
	}
	if sh.disks {
		if s.pgDisk, err = newSmallDisk(); err == nil {
			conf.Postgres = s.pgDisk.folder()
		}
	}
	if err == nil && sh.clocks {
		conf.Binary, err = b.shifted()
	}
	if err == nil {
		s.cluster, err = lab.NewCluster(ctx, conf)
	}
	if err == nil && sh.clocks {
		s.setClocks()
	}
	if err == nil && sh.disks {
		err = s.mountDisks()
	}
	if err == nil {
		err = s.cluster.Start()
	}
	if err == nil {
		err = s.cluster.WaitMetered(ctx, s.distinct(), startTimeout)
	}
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, s.logs())
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// mountDisks gives each tap a disk for its journal.
func (s *testRun) mountDisks() error {
	for _, p := range s.cluster.Taps {
		platter, at := filepath.Join(p.Dir, "platter"), filepath.Join(p.Dir, "journal")
		if err := errors.Join(os.Mkdir(platter, 0o700), os.Mkdir(at, 0o700)); err != nil {
			return err
		}
		disk, err := faultfs.Mount(platter, at)
		if err != nil {
			return err
		}
		s.disks = append(s.disks, disk)
	}
	return nil
}

// chance is a random duration.
func (s *testRun) chance(least, most time.Duration) time.Duration {
	return least + time.Duration(s.pick(int(most-least)))
}

// pick is a random number from 0 to n-1.
func (s *testRun) pick(n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rnd.IntN(n)
}

// alone gives a fault what it breaks for itself, until the function that it returns is called.
func (s *testRun) alone(what any) (end func()) {
	s.mu.Lock()
	if s.busy[what] == nil {
		s.busy[what] = new(sync.Mutex)
	}
	lock := s.busy[what]
	s.mu.Unlock()
	lock.Lock()
	return lock.Unlock
}

// wait lets the traffic run.
func (s *testRun) wait(d time.Duration) {
	select {
	case <-time.After(d): // the pause is the fault
	case <-s.ctx.Done():
	}
}

// traffic starts a call on each PBX every callGap, until stop is called.
func (s *testRun) traffic() (stop func()) {
	ended := make(chan struct{})
	var starters sync.WaitGroup
	for _, c := range s.centres {
		starters.Go(func() {
			tick := time.NewTicker(callGap)
			defer tick.Stop()
			for {
				select {
				case <-tick.C:
					s.calls.Go(func() { c.Call(s.ctx, times) })
				case <-ended:
					return
				}
			}
		})
	}
	return func() {
		close(ended)
		starters.Wait()
	}
}

// logs are those of all parts.
func (s *testRun) logs() (text string) {
	if s.cluster == nil {
		return ""
	}
	for _, p := range s.cluster.Parts() {
		if p.Gateway != nil {
			text += fmt.Sprintf("--- %s\n%s", p.Name, p.Logs())
		}
	}
	return text
}

// close stops everything, in any state.
func (s *testRun) close() (err error) {
	if s.cluster != nil {
		err = s.cluster.Close(context.WithoutCancel(s.ctx))
	}
	for _, p := range s.pbxs {
		p.Close()
	}
	for _, d := range s.disks {
		err = errors.Join(err, d.Unmount())
	}
	if s.pgDisk != nil {
		err = errors.Join(err, s.pgDisk.close())
	}
	return errors.Join(err, os.RemoveAll(s.dir))
}
