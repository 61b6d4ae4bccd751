// Command demo makes one call and shows what it costs: by Asterisk's CDR, and by Risposta.
//
// It starts Asterisk with deploy/asterisk/compose.yaml and a gateway beside it, lets a caller wait in a queue, an operator answer, hold and
// transfer, a second operator answer, the caller hang up. Then it prints both bills and the reason for every second. `make demo` runs it.
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
	gateway := flag.String("gateway", "bin/gateway", "the gateway's binary")
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
	s := &stage{dir: dir, binary: binary, began: time.Now()}
	defer func() { s.clear(context.WithoutCancel(ctx)) }()
	if err := s.set(ctx); err != nil {
		return err
	}
	call, err := s.play(ctx)
	if err != nil {
		return err
	}
	return s.bills(ctx, call)
}
