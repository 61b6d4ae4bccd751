package main

import (
	"context"
	"fmt"
	"net/http"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.org/x/sys/unix"

	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/internal/gateway"
	"github.com/risposta/gateway/internal/tap"
)

type tapCommand struct {
	configFlag
}

// Run reads a PBX for the meters of a cluster until ctx ends. Its log goes to standard output.
func (c tapCommand) Run(ctx context.Context, io streams) error {
	conf, err := config.Load(c.Config, io.environ, config.TapSecrets)
	if err != nil {
		return usage{err}
	}
	log, err := gateway.NewStdoutLogger(conf.Log, zapcore.Lock(zapcore.AddSync(io.stdout)))
	if err != nil {
		return usage{err}
	}
	// A core dump would hold callers' numbers and passwords.
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("forbidding core dumps: %w", err)
	}
	server, err := conf.NATS.Server()
	if err != nil {
		return fmt.Errorf("starting: %w", err)
	}
	pbx, err := gateway.OpenPBX(ctx, conf.PBX[0], conf.Operators)
	if err != nil {
		return fmt.Errorf("starting: %w", err)
	}
	admin, err := gateway.ListenAdmin(ctx, conf.Admin)
	if err != nil {
		return fmt.Errorf("starting: %w", err)
	}
	t, err := tap.New(tap.Config{
		PBX: pbx, Server: server, Stream: conf.NATS.FramesStream(), Folder: conf.Tap.Folder,
		JournalBytes: int64(conf.Tap.JournalBytes), Admin: admin,
		Guard: func(next http.Handler, refused func(string, zap.Field)) http.Handler {
			return gateway.Guard(conf.Admin, next, refused)
		},
	}, log.With(zap.String("pbx", conf.PBX[0].Name)))
	if err != nil {
		return fmt.Errorf("starting: %w", err)
	}
	return t.Run(ctx)
}
