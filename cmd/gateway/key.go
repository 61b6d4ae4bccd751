package main

import (
	"context"
	"fmt"

	"github.com/risposta/gateway/internal/audit"
	"github.com/risposta/gateway/internal/config"
)

type keyCommand struct {
	Rotate keyRotate `cmd:"" help:"Make the next key; heads of the former ones stay valid."`
}

type keyRotate struct {
	configFlag
}

// Run replaces the private key, and adds its public half to those of the former keys.
func (c keyRotate) Run(_ context.Context, io streams) error {
	conf, err := config.Load(c.Config, io.environ, config.NoSecrets)
	if err != nil {
		return usage{err}
	}
	if err := audit.RotateKey(conf.Ledger.KeyFile); err != nil {
		return err
	}
	_, err = fmt.Fprintf(io.stdout, "%s is a new key, for the gateway's next start; %[1]s.pub has the "+
		"public halves of it and of the former keys: keep a copy elsewhere\n", conf.Ledger.KeyFile)
	return err
}
