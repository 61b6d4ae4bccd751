// Command clusterfaults runs a cluster through faults of machines, disks and networks, and counts what
// became of the calls: the table of docs/cluster-faults.md.
//
// In: the binaries of risposta and nats-server. Out: a table on standard output, or with -random a line
// for each run that failed and the sums; exit status 1 if a call was overcharged, lost or recorded twice.
// Taps, meters, NATS and PostgreSQL are real processes on this machine. The PBXs are fakes
// ([aritest.PBX]) that know the true talk of each call. It never shows how a real Asterisk behaves.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// options are the command's flags.
type options struct {
	binaries
	quick            bool
	only             string
	random, parallel int
	seed             uint64
	verbose          bool
	limit            chan struct{} // of the runs at the same time
	log              io.Writer     // what became of a run that failed
}

func main() {
	var o options
	flag.StringVar(&o.risposta, "gateway", "bin/risposta", "the binary of risposta")
	flag.StringVar(&o.nats, "nats", "bin/nats-server", "the binary of nats-server")
	flag.BoolVar(&o.quick, "quick", false, "run each fault once, and shorter")
	flag.StringVar(&o.only, "only", "", "run only faults whose name begins with this")
	flag.IntVar(&o.random, "random", 0, "do so many runs of random faults in place of the table")
	flag.IntVar(&o.parallel, "parallel", 4, "runs at the same time")
	flag.Uint64Var(&o.seed, "seed", uint64(time.Now().UnixNano()), "seed of the first run; the next has the next")
	flag.BoolVar(&o.verbose, "logs", false, "print the logs of every run, not only of those that failed")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "clusterfaults: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) (err error) {
	for _, path := range []*string{&o.risposta, &o.nats} {
		if *path, err = filepath.Abs(*path); err != nil {
			return err
		}
	}
	o.limit, o.log = make(chan struct{}, o.parallel), os.Stderr
	fmt.Fprintf(os.Stderr, "seed %d\n", o.seed)
	if o.random > 0 {
		return o.runRandom(ctx)
	}
	dir, err := os.MkdirTemp("", "risposta-clock-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	o.shifted = sync.OnceValues(func() (string, error) { return buildShifted(ctx, dir) })
	fmt.Println("| fault | runs | calls | records | of which by reconcile | overcharged | lost | doubled" +
		" | talk not charged | after reconcile |")
	fmt.Println("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
	var rows []chan row
	for _, f := range faults(o.quick) {
		if !strings.HasPrefix(f.name, o.only) {
			continue
		}
		if o.quick {
			f.runs = 1
		}
		done := make(chan row, 1)
		rows = append(rows, done)
		go func() {
			sum, err := o.all(ctx, f.runs, func(int) (string, shape, player) {
				return f.name, f.shape, func(s *testRun) (string, error) { return "", f.play(s) }
			})
			done <- row{f.name, sum, err}
		}()
	}
	for _, done := range rows {
		r := <-done
		fmt.Printf("| %s |%s\n", r.name, r.sum.row())
		err = errors.Join(err, r.err)
	}
	return err
}

// row is one row of the table.
type row struct {
	name string
	sum  result
	err  error
}

// runRandom does runs of random faults, and prints their sums.
func (o options) runRandom(ctx context.Context) error {
	began := time.Now()
	sum, err := o.all(ctx, o.random, func(run int) (string, shape, player) {
		return "random", randomShape(run), playRandom
	})
	fmt.Printf("random, %d faults each, seeds from %d, %s\n|%s\n", faultsPerRun, o.seed,
		time.Since(began).Round(time.Second), sum.row())
	return err
}

// player breaks a cluster, and tells what it has done.
type player func(*testRun) (done string, err error)

// all does some runs, so many at a time, and sums them up.
func (o options) all(
	ctx context.Context, runs int, of func(run int) (string, shape, player),
) (sum result, first error) {
	var mu sync.Mutex
	var all sync.WaitGroup
	for i := range runs {
		o.limit <- struct{}{}
		all.Go(func() {
			defer func() { <-o.limit }()
			name, sh, play := of(i)
			r, err := o.one(ctx, name, sh, play, o.seed+uint64(i))
			mu.Lock()
			defer mu.Unlock()
			if err != nil && first == nil {
				first = fmt.Errorf("%s, seed %d: %w", name, o.seed+uint64(i), err)
			}
			sum.add(r)
		})
	}
	all.Wait()
	return sum, first
}

// runTimeout bounds one run.
const runTimeout = 8 * time.Minute

// one does one run.
func (o options) one(
	ctx context.Context, name string, sh shape, play player, seed uint64,
) (r result, err error) {
	ctx, cancel := context.WithTimeout(ctx, runTimeout)
	defer cancel()
	s, err := newTestRun(ctx, o.binaries, sh, seed)
	if err != nil {
		return r, err
	}
	stop := s.traffic()
	done, err := play(s)
	stop()
	if err == nil {
		r, err = s.judge()
	}
	if r.bad() && err == nil {
		err = errBad
	}
	if err != nil || o.verbose {
		fmt.Fprintf(o.log, "clusterfaults: %s, seed %d: %s\n%v\n%s\n%s\n", name, seed, done, err,
			strings.Join(r.Notes, "\n"), s.logs())
	}
	if cerr := s.close(); err == nil {
		err = cerr
	}
	return r, err
}
