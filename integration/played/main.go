// Command played measures what a recorded call costs the whole gateway, on a disk.
//
// In: a gateway's binary, rates of calls, a recording. Out, for each rate: CPU of the gateway's
// process, commits, bytes written and wake-ups a call, the time from the frame that completes the
// path to the logged, so committed, talk.started, and what an idle gateway costs; exit status 1 if a
// call has no record, or the gateway's inbox overflows.
//
// A process of its own plays the calls, so that its CPU is apart: it does as much of ARI as a gateway
// asks for, follows the event filter, and rewrites ids and timestamps of each call. `make bench` runs
// it. It says nothing about what a PBX pays: `make load` does.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// options are the command's flags.
type options struct {
	binary, trace string
	rates         string
	length, idle  time.Duration
	calls         int // of the player
	rate          int
	number        int
	pbxs          int    // of a cluster
	nats          string // the binary of nats-server
	play          bool
}

func main() {
	var o options
	flag.StringVar(&o.binary, "gateway", "bin/risposta", "the gateway's binary")
	flag.StringVar(&o.trace, "trace", "integration/testdata/traces/early-media/ari.jsonl",
		"the recording of one call")
	flag.StringVar(&o.rates, "rates", "10,100,1000", "calls a second, one run for each")
	flag.DurationVar(&o.length, "for", 20*time.Second, "how long calls arrive, at most a minute")
	flag.DurationVar(&o.idle, "idle", 10*time.Second, "how long the idle gateway is measured before")
	flag.BoolVar(&o.play, "play", false, "be the player; started by the command itself")
	flag.IntVar(&o.pbxs, "pbxs", 0, "measure a cluster of so many PBXs, each with the first of -rates")
	flag.StringVar(&o.nats, "nats", "bin/nats-server", "the binary of nats-server, for a cluster")
	flag.IntVar(&o.number, "number", 1, "which PBX the player is")
	flag.IntVar(&o.rate, "rate", 0, "calls a second, of the player")
	flag.IntVar(&o.calls, "calls", 0, "calls, of the player")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "played: %v\n", err)
		os.Exit(1)
	}
}

// maxLength keeps a run below the time after which the gateway misses the PBX's lists, which the
// player does not give (maxListFailures of ari/native).
const maxLength = time.Minute

func run(ctx context.Context, o options) (err error) {
	if o.play {
		return play(ctx, o)
	}
	if o.length > maxLength {
		return fmt.Errorf("-for is %s, more than %s", o.length, maxLength)
	}
	if o.binary, err = filepath.Abs(o.binary); err != nil {
		return err
	}
	if o.pbxs > 0 {
		return runCluster(ctx, o)
	}
	fmt.Println("calls/s   calls  CPU ms/call  commits/call  KiB/call  wake-ups/call" +
		"  frame to talk.started p50, p99 ms  idle CPU %, wake-ups/s")
	for _, text := range strings.Split(o.rates, ",") {
		rate, err := strconv.Atoi(text)
		if err != nil || rate < 1 {
			return fmt.Errorf("-rates: %q is not a number of calls a second", text)
		}
		res, err := measure(ctx, o, rate)
		if err != nil {
			return fmt.Errorf("%d calls a second: %w", rate, err)
		}
		res.print()
		if res.records != res.calls || res.overflows > 0 {
			return errors.New("calls are without a record, or the inbox has overflowed")
		}
	}
	return nil
}
