package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"golang.org/x/mod/sumdb/note"

	"github.com/risposta/gateway/internal/audit"
	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/metering/ledger/merkle"
)

// keyFlag is where the public key of the log's heads is.
type keyFlag struct {
	Key string `help:"The public key of the log's heads, instead of that beside the configuration's ledger.key_file." type:"path" placeholder:"FILE"`
}

func (f keyFlag) verifier(read readFlags, io streams) (note.Verifier, error) {
	switch {
	case f.Key != "":
		return audit.Verifier(f.Key)
	case read.Ledger != "":
		return audit.Verifier(read.Ledger + ".key.pub")
	}
	conf, err := config.Load(read.Config, io.environ, config.NoSecrets)
	if err != nil {
		return nil, usage{err}
	}
	return audit.Verifier(conf.Ledger.KeyFile + ".pub")
}

type verifyCommand struct {
	readFlags
	keyFlag
	Head  []string `help:"A signed head that was kept elsewhere, as ledger.signed in the log has it. May be given more than once." type:"path" placeholder:"FILE"`
	Proof string   `help:"Check this proof of inclusion alone; no ledger is needed." type:"path" placeholder:"FILE"`
	JSON  bool     `help:"Print one JSON object instead of a text."`
}

var errAudit = errors.New("the ledger is not what it should be")

// Run prints what was looked at, then what is wrong, a line each.
func (c verifyCommand) Run(ctx context.Context, io streams) (err error) {
	key, err := c.verifier(c.readFlags, io)
	if err != nil {
		return err
	}
	if c.Proof != "" {
		return c.proof(key, io)
	}
	var heads [][]byte
	for _, file := range c.Head {
		text, err := os.ReadFile(file)
		if err != nil {
			return usage{fmt.Errorf("--head: %w", err)}
		}
		heads = append(heads, text)
	}
	l, err := c.openReadOnly(ctx, io)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	report, err := audit.Verify(ctx, l, key, heads)
	if err != nil {
		return err
	}
	if c.JSON {
		text, err := json.Marshal(report)
		if err != nil {
			return err
		}
		fmt.Fprintf(io.stdout, "%s\n", text)
	} else {
		fmt.Fprintf(io.stdout, "%d records: %d replayed from their evidence to the same bytes, %d erased\n", report.Records, report.Replayed, report.Erased)
		fmt.Fprintf(io.stdout, "%d leaves in the log; it agrees with %d signed heads; %d leaves since the newest\n", report.Leaves, report.Heads, report.Unsigned)
		for _, p := range report.Problems {
			fmt.Fprintf(io.stdout, "WRONG  %s %s\n", p.Record, p.What)
		}
	}
	if n := len(report.Problems); n > 0 {
		return fmt.Errorf("%w: %d", errAudit, n)
	}
	return nil
}

func (c verifyCommand) proof(key note.Verifier, io streams) error {
	text, err := os.ReadFile(c.Proof)
	if err != nil {
		return usage{fmt.Errorf("--proof: %w", err)}
	}
	leaf, head, err := merkle.CheckProof(text, key)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(io.stdout, "record %s, whose JSON has the SHA-256 %s, is in the log that was signed at %d leaves\n", leaf.Record, leaf.SHA256, head.N)
	return err
}
