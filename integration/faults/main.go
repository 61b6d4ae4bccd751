// Command faults runs a gateway through faults of machine, disk and network, and counts what became
// of the calls: the table of docs/reliability.md.
//
// In: a gateway's binary. Out: a table on standard output; exit status 1 if a call was overcharged
// or lost. The PBX is a fake ([aritest.PBX]) that knows the true talk of each call; the live tests
// cover the faults that need a real Asterisk. It needs /dev/fuse.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/risposta/gateway/integration/faultfs"
)

func main() {
	binary := flag.String("gateway", "bin/risposta", "the gateway's binary")
	quick := flag.Bool("quick", false, "run each fault once")
	only := flag.String("only", "", "run only faults whose name begins with this")
	parallel := flag.Int("parallel", 4, "runs at the same time")
	seed := flag.Uint64("seed", uint64(time.Now().UnixNano()), "seed of the random instants")
	factor := flag.Int("times", 1, "multiply the runs of each fault")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := faultfs.Available(); err != nil {
		fmt.Fprintf(os.Stderr, "faults: this machine cannot mount a failing disk: %v\n", err)
		os.Exit(1)
	}
	if err := removeLeftOver(); err != nil {
		fmt.Fprintf(os.Stderr, "faults: %v\n", err)
		os.Exit(1)
	}
	fmt.Fprintf(os.Stderr, "seed %d\n", *seed)
	t := table{binary: *binary, seed: *seed, parallel: *parallel}
	t.head()
	bad := false
	for _, f := range faults() {
		if !strings.HasPrefix(f.name, *only) {
			continue
		}
		f.runs *= *factor
		if *quick {
			f.runs = 1
		}
		r, err := t.row(ctx, f)
		if err != nil {
			fmt.Fprintf(os.Stderr, "faults: %s: %v\n", f.name, err)
			bad = true
		}
		bad = bad || r.Overcharged+r.Lost+len(r.Notes) > 0
	}
	if bad {
		os.Exit(1)
	}
}

// removeLeftOver removes what runs have left that were killed: mounts, and their folders.
func removeLeftOver() error {
	points, err := faultfs.RemoveStale()
	for _, point := range points {
		if dir := filepath.Dir(point); strings.HasPrefix(filepath.Base(dir), runFolder) {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}
	return err
}

type table struct {
	binary   string
	seed     uint64
	parallel int
}

func (t *table) head() {
	fmt.Println("| fault | runs | calls | records | of which by reconcile | overcharged | lost" +
		" | talk not charged | after reconcile |")
	fmt.Println("|---|--:|--:|--:|--:|--:|--:|--:|--:|")
}

// row does all runs of a fault and prints its row.
func (t *table) row(ctx context.Context, f fault) (sum result, first error) {
	var mu sync.Mutex
	var all sync.WaitGroup
	limit := make(chan struct{}, t.parallel)
	for run := range f.runs {
		limit <- struct{}{}
		all.Add(1)
		go func() {
			defer func() { <-limit; all.Done() }()
			r, err := t.run(ctx, f, run)
			mu.Lock()
			defer mu.Unlock()
			if err != nil && first == nil {
				first = fmt.Errorf("run %d: %w", run, err)
			}
			sum.add(r)
		}()
	}
	all.Wait()
	fmt.Printf("| %s | %d | %d | %d | %d | %d | %d | %.1f s of %.1f s | %.1f s |\n", f.name,
		sum.Runs, sum.Calls, sum.Records, sum.Entered, sum.Overcharged, sum.Lost,
		float64(sum.UncoveredMs)/1000, float64(sum.TalkMs)/1000, float64(sum.LeftMs)/1000)
	for i, note := range sum.Notes {
		if i < 5 {
			fmt.Fprintf(os.Stderr, "faults: %s: %s\n", f.name, note)
		}
	}
	return sum, first
}

// runTimeout bounds one run.
const runTimeout = 2 * time.Minute

func (t *table) run(ctx context.Context, f fault, run int) (r result, err error) {
	ctx, cancel := context.WithTimeout(ctx, runTimeout)
	defer cancel()
	s, err := newTestRun(ctx, t.binary, t.seed+uint64(run))
	if err != nil {
		return r, err
	}
	s.traffic(callsPerRun, callGap)
	if err := f.play(s, run); err != nil {
		return r, fmt.Errorf("%w\n%s", err, s.gw.Log())
	}
	r, err = s.judge()
	if err != nil || len(r.Notes) > 0 {
		fmt.Fprintf(os.Stderr, "faults: %s, run %d: %v\n%s\n", f.name, run, err, s.gw.Log())
	}
	if cerr := s.close(); err == nil {
		err = cerr
	}
	return r, err
}
