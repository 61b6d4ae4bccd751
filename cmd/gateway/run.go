package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"go.uber.org/zap/zapcore"
	"golang.org/x/sys/unix"

	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/internal/gateway"
)

type runCommand struct {
	configFlag
}

// Run meters until ctx ends, and reads its configuration again on SIGHUP. Its log goes to standard
// output.
func (c runCommand) Run(ctx context.Context, io streams) error {
	hangUps := make(chan os.Signal, 1) // one more while a reload runs; it counts for all
	signal.Notify(hangUps, syscall.SIGHUP)
	defer signal.Stop(hangUps)
	conf, err := c.load(io)
	if config.NeedsEdit(err) {
		return needsEdit{err}
	}
	if err != nil {
		return err
	}
	log, err := gateway.NewStdoutLogger(conf.Log, zapcore.Lock(zapcore.AddSync(io.stdout)))
	if err != nil {
		return needsEdit{err}
	}
	// A core dump would hold callers' numbers and passwords.
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("forbidding core dumps: %w", err)
	}
	d, err := gateway.New(ctx, conf, log)
	if err != nil {
		return fmt.Errorf("starting: %w", err)
	}
	ctx, end := context.WithCancel(ctx)
	reloads := make(chan struct{})
	go func() {
		defer close(reloads)
		for {
			select {
			case <-hangUps:
				d.Reload(ctx, func() (*config.Config, error) { return c.load(io) })
			case <-ctx.Done():
				return
			}
		}
	}()
	err = d.Run(ctx)
	end()
	<-reloads
	return err
}
