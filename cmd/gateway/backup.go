package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/risposta/gateway/internal/backup"
	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/internal/ledgers"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
)

// places are where a configuration keeps what a backup is of, and the ids of the callers' keys.
func (f configFlag) places(
	io streams,
) (conf *config.Config, p backup.Places, keys []string, err error) {
	if conf, err = config.Load(f.Config, io.environ, config.CallersKey); err != nil {
		return nil, p, nil, usage{err}
	}
	var pseudonyms *metering.Pseudonyms
	if pseudonyms, err = conf.Pseudonyms(); err != nil {
		return nil, p, nil, usage{err}
	}
	p = backup.Places{
		Ledger: conf.Ledger.File, LogKeys: conf.Ledger.KeyFile + ".pub", Register: conf.Exemption.Registry,
	}
	return conf, p, pseudonyms.KeyIDs(), nil
}

// backupCommand works beside a running gateway.
type backupCommand struct {
	configFlag
	Into string `help:"The folder to make." type:"path" required:"" placeholder:"FOLDER"`
}

// Help says what is not in a backup.
func (backupCommand) Help() string {
	return "The secret keys are not part of it: keep callers.key_file and ledger.key_file elsewhere."
}

// Run writes copies of one state of the ledger, and of the exemption register.
func (c backupCommand) Run(ctx context.Context, io streams) (err error) {
	conf, p, keys, err := c.places(io)
	if err != nil {
		return err
	}
	l, err := ledgers.Open(ctx, conf.Ledger, ledger.ReadOnly)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	m := backup.Manifest{At: time.Now().UTC().Truncate(time.Second), CallerKeys: keys}
	if err := backup.Make(ctx, l, p, m, c.Into); err != nil {
		return err
	}
	_, err = fmt.Fprintf(io.stdout, "the backup is in %s; it needs the callers' keys %s, which are not "+
		"part of it\n", c.Into, strings.Join(keys, ", "))
	return err
}

// restoreCommand puts a backup where a configuration has nothing yet.
type restoreCommand struct {
	configFlag
	From string `help:"The folder of the backup." type:"existingdir" required:"" placeholder:"FOLDER"`
}

// Run replaces no file.
func (c restoreCommand) Run(ctx context.Context, io streams) error {
	conf, p, keys, err := c.places(io)
	if err != nil {
		return err
	}
	m, err := backup.Restore(c.From, p, keys)
	if err != nil {
		return err
	}
	if p.Ledger == "" {
		if _, err := ledgers.Copy(ctx, backup.LedgerOf(c.From), conf.Ledger.Postgres); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(io.stdout, "the backup of %s is in place; verify it before the gateway starts: "+
		"risposta verify --head HEAD\n", m.At.Format(time.RFC3339))
	return err
}
