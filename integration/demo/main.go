// Command demo makes one call and shows what it costs: by Asterisk's CDR, and by Risposta.
//
// In: a gateway's binary. Out: the call's progress, both bills, and the reason for every second. It
// starts Asterisk with deploy/asterisk/compose.yaml and a gateway beside it. A caller waits in a
// queue, an operator answers, holds and transfers, a second operator answers, the caller hangs up.
// It leaves nothing running. `make demo` runs it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

func main() {
	gateway := flag.String("gateway", "bin/risposta", "the gateway's binary")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := demo(ctx, *gateway)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "demo: %v\n", err)
		os.Exit(1)
	}
}

// demoTimeout ends a demonstration that hangs.
const demoTimeout = 2 * time.Minute

func demo(ctx context.Context, binary string) (err error) {
	ctx, cancel := context.WithTimeout(ctx, demoTimeout)
	defer cancel()
	dir, err := os.MkdirTemp("", "risposta-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if binary, err = filepath.Abs(binary); err != nil {
		return err
	}
	d := &demonstration{dir: dir, binary: binary, began: time.Now()}
	defer func() { d.stop(context.WithoutCancel(ctx)) }()
	if err := d.start(ctx); err != nil {
		return err
	}
	call, err := d.play(ctx)
	if err != nil {
		return err
	}
	return d.bills(ctx, call)
}
