package main

import (
	"context"
	"fmt"

	"go.uber.org/zap/zapcore"
	"golang.org/x/sys/unix"

	"github.com/risposta/gateway/internal/gateway"
)

type runCommand struct {
	configFlag
}

// Run meters until ctx ends. Its log goes to standard output.
func (c runCommand) Run(ctx context.Context, io streams) error {
	conf, err := c.load(io)
	if err != nil {
		return err
	}
	log, err := gateway.NewLogger(conf.Log, zapcore.Lock(zapcore.AddSync(io.stdout)))
	if err != nil {
		return usage{err}
	}
	// A core dump would hold callers' numbers and passwords.
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("forbidding core dumps: %w", err)
	}
	d, err := gateway.New(ctx, conf, log)
	if err != nil {
		return fmt.Errorf("starting: %w", err)
	}
	return d.Run(ctx)
}
