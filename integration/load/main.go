// Command load calls a real Asterisk at a steady rate, and compares every record with the CEL.
//
// In: a gateway's binary, a rate, a duration. Out: what each call costs the gateway and Asterisk in
// CPU, beside what the same calls cost an Asterisk that has no listener; exit status 1 if a call
// has no record or two, or is charged for more talk than the CEL allows. Half of the operators put
// their caller on hold once. `make load` runs it; it needs the Asterisk image and sipp.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

// options are the command's flags.
type options struct {
	binary    string
	rate      int // calls a second
	length    time.Duration
	unmetered time.Duration // how long Asterisk is measured without a listener
	speak     bool          // phones send audio
}

func main() {
	var o options
	flag.StringVar(&o.binary, "gateway", "bin/risposta", "the gateway's binary")
	flag.IntVar(&o.rate, "rate", 10, "calls a second")
	flag.DurationVar(&o.length, "for", 2*time.Minute, "how long calls arrive")
	flag.DurationVar(&o.unmetered, "unmetered", time.Minute,
		"how long calls arrive at an Asterisk without a listener")
	flag.BoolVar(&o.speak, "speak", false,
		"phones send audio; costs the machine more than the calls do")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := load(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "load: %v\n", err)
		os.Exit(1)
	}
}

// slack bounds what a run may take beyond the time in which calls arrive.
const slack = 3 * time.Minute

func load(ctx context.Context, o options) (err error) {
	ctx, cancel := context.WithTimeout(ctx, o.length+o.unmetered+slack)
	defer cancel()
	if o.binary, err = filepath.Abs(o.binary); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "risposta-load-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	unmetered, err := run(ctx, o, filepath.Join(dir, "unmetered"), false)
	if err != nil {
		return fmt.Errorf("without a gateway: %w", err)
	}
	metered, err := run(ctx, o, filepath.Join(dir, "metered"), true)
	if err != nil {
		return fmt.Errorf("with a gateway: %w", err)
	}
	printCPU("Asterisk without a listener", unmetered.calls, unmetered.asterisk)
	printCPU("Asterisk with the gateway", metered.calls, metered.asterisk)
	printCPU("gateway", metered.calls, metered.gateway)
	fmt.Printf("gateway / Asterisk      %5.1f %%\n",
		100*metered.gateway.Seconds()/metered.asterisk.Seconds())
	fmt.Printf("%d calls, %d records, %d lost, %d doubled, %d overcharged; "+
		"talk differs from the CEL by at most %d ms\n", metered.calls, metered.records,
		metered.lost, metered.doubled, metered.overcharged, metered.worst.Milliseconds())
	if metered.lost+metered.doubled+metered.overcharged > 0 {
		return errors.New("records and CEL do not agree")
	}
	return nil
}

func printCPU(what string, calls int, cpu time.Duration) {
	perCall := float64(cpu.Microseconds()) / 1000 / float64(max(1, calls))
	fmt.Printf("%-28s %6.1f s CPU, %6.2f ms a call\n", what, cpu.Seconds(), perCall)
}
