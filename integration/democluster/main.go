// Command democluster shows one meter taking over from another.
//
// In: the images of deploy/cluster/compose.yaml. Out: what happens, as the meters log it, and the
// records at the end beside Asterisk's own logs. It starts the whole cluster on this machine, makes a
// call on each of two PBXs, kills the meter of one of them in the middle of the talk, and leaves
// nothing running. It ends with 1 where anything of a call is unseen, or its talk is not that of
// Asterisk's log. `make demo-cluster` runs it.
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
	deploy := flag.String("deploy", filepath.Join("deploy", "cluster"), "the folder of compose.yaml")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := demo(ctx, *deploy)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "demo-cluster: %v\n", err)
		os.Exit(1)
	}
}

// demoTimeout ends a demonstration that hangs.
const demoTimeout = 4 * time.Minute

func demo(ctx context.Context, deploy string) (err error) {
	ctx, cancel := context.WithTimeout(ctx, demoTimeout)
	defer cancel()
	dir, err := os.MkdirTemp("", "risposta-cluster-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	d := &demonstration{
		dir: dir, deploy: deploy, began: time.Now(), events: make(chan event, 1024),
		names: map[string]string{firstNode: "pbx1", secondNode: "pbx2"},
	}
	defer func() { d.stop(context.WithoutCancel(ctx)) }()
	if err := d.start(ctx); err != nil {
		return err
	}
	if err := d.play(ctx); err != nil {
		return err
	}
	return d.records(ctx)
}
