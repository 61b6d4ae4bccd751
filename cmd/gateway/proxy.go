package main

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap/zapcore"
	"golang.org/x/sys/unix"

	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/internal/gateway"
	"github.com/risposta/gateway/internal/proxy"
)

type proxyCommand struct {
	configFlag
}

// Run serves a PBX's commands over NATS until ctx ends. Its log goes to standard output.
func (c proxyCommand) Run(ctx context.Context, io streams) error {
	conf, err := config.Load(c.Config, io.environ, config.ProxySecrets)
	if err != nil {
		return usage{err}
	}
	pbx := conf.PBX[0]
	log, err := gateway.NewStdoutLogger(conf.Log, zapcore.Lock(zapcore.AddSync(io.stdout)))
	if err != nil {
		return usage{err}
	}
	// A core dump would hold callers' numbers and passwords.
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("forbidding core dumps: %w", err)
	}
	control, err := gateway.OpenControl(pbx)
	if err != nil {
		return fmt.Errorf("starting: PBX %s: %w", pbx.Name, err)
	}
	defer control.Close()
	options, err := natsOptions(conf.NATS)
	if err != nil {
		return fmt.Errorf("starting: %w", err)
	}
	p, err := proxy.New(ctx, proxy.Config{
		PBX: control, Application: pbx.Application, URL: conf.NATS.Address(), NATS: options,
		Admin: conf.Admin.Listen,
	}, log)
	if err != nil {
		return fmt.Errorf("starting: %w", err)
	}
	err = p.Run(ctx)
	_ = log.Sync() // says what was left out; a pipe or a terminal has nothing to sync
	return err
}

// natsOptions are the options of a connection.
func natsOptions(n config.NATS) (options []nats.Option, err error) {
	server, err := n.Server()
	if err != nil {
		return nil, err
	}
	if secure := server.TLS(); secure != nil {
		options = append(options, nats.Secure(secure))
	}
	return append(options, server.Login()...), nil
}
