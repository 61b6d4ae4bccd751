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
	"github.com/risposta/gateway/integration/lab"
)

// binaries are the programs under test.
type binaries struct{ risposta, nats string }

// shape is what a run's cluster is made of.
type shape struct {
	nodes   []string // the asterisk_id of each PBX
	meters  int
	servers int // of NATS
}

var plain = shape{nodes: []string{"pbx-a", "pbx-b"}, meters: 2, servers: 1}

// testRun is one run: fake PBXs, which know the true talk, and the processes of a cluster.
type testRun struct {
	ctx     context.Context
	dir     string
	shape   shape
	pbxs    []*aritest.PBX
	centres []*aritest.Centre
	cluster *lab.Cluster
	rnd     *rand.Rand
	calls   sync.WaitGroup
}

// times are those of a call.
var times = aritest.Times{
	Wait: 600 * time.Millisecond, Talk: 1200 * time.Millisecond, Hold: 500 * time.Millisecond,
}

// startTimeout bounds the start of a cluster: the machine may run several.
const startTimeout = time.Minute

// newTestRun starts everything, and returns when the calls of all PBXs are metered.
func newTestRun(ctx context.Context, b binaries, sh shape, seed uint64) (s *testRun, err error) {
	s = &testRun{ctx: ctx, shape: sh, rnd: rand.New(rand.NewPCG(seed, 1))}
	if s.dir, err = os.MkdirTemp("", "risposta-cluster-"); err != nil {
		return nil, err
	}
	var urls []string
	for i, node := range sh.nodes {
		p := aritest.NewNode(node)
		s.pbxs, urls = append(s.pbxs, p), append(urls, p.URL())
		s.centres = append(s.centres, aritest.NewCentre(p, seed+uint64(i)))
	}
	s.cluster, err = lab.NewCluster(ctx, lab.ClusterConfig{
		Binary: b.risposta, NATSServer: b.nats, Dir: s.dir, PBXs: urls, Password: aritest.Password,
		Meters: sh.meters, Servers: sh.servers,
	})
	if err == nil {
		err = s.cluster.Start()
	}
	if err == nil {
		err = s.cluster.WaitMetered(ctx, len(sh.nodes), startTimeout)
	}
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, s.logs())
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// during lets the traffic run for a random time before the fault.
func (s *testRun) during(least, most time.Duration) {
	// the random instant is what is tested
	time.Sleep(least + time.Duration(s.rnd.Int64N(int64(most-least))))
}

// traffic starts n calls on each PBX in the background, one every gap.
func (s *testRun) traffic(n int, gap time.Duration) {
	for _, c := range s.centres {
		s.calls.Go(func() {
			for range n {
				s.calls.Go(func() { c.Call(s.ctx, times) })
				time.Sleep(gap) // the rhythm of the traffic
			}
		})
	}
}

// logs are those of all parts.
func (s *testRun) logs() (text string) {
	if s.cluster == nil {
		return ""
	}
	for _, p := range s.cluster.Parts() {
		if p.Gateway != nil {
			text += fmt.Sprintf("--- %s\n%s", filepath.Base(p.Dir), p.Logs())
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
	return errors.Join(err, os.RemoveAll(s.dir))
}
