package main

import (
	"context"
	"errors"
	"fmt"
)

// backupCommand works beside a running gateway.
type backupCommand struct {
	readFlags
	Into string `help:"The file to make." type:"path" required:"" placeholder:"FILE"`
}

// Run writes a copy of one state of the ledger.
func (c backupCommand) Run(ctx context.Context, io streams) (err error) {
	l, err := c.openReadOnly(ctx, io)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	if err := l.Backup(ctx, c.Into); err != nil {
		return err
	}
	_, err = fmt.Fprintf(io.stdout,
		"the ledger is copied into %s; its keys are not part of it\n", c.Into)
	return err
}
