package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/mod/sumdb/note"

	"github.com/risposta/gateway/internal/audit"
	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/internal/lookups"
	"github.com/risposta/gateway/metering/exemption/registry"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/ledger/merkle"
)

// keyFlag names the public key that the signed heads of the ledger log are verified with.
type keyFlag struct {
	Key string `help:"The public key of the signed heads (default: ledger.key_file.pub)." type:"path" placeholder:"FILE"`
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
	Head  []string `help:"A signed head that was kept elsewhere. May be repeated." type:"path" placeholder:"FILE"`
	Proof string   `help:"Verify this inclusion proof alone, without a ledger." type:"path" placeholder:"FILE"`
	JSON  bool     `help:"Print one JSON object instead of a text."`
}

var errVerify = errors.New("verification failed")

// Help says where a head comes from.
func (verifyCommand) Help() string {
	return "The log event ledger.signed has each signed head. Keep the log on another machine."
}

// Run prints what was verified, then a line for each problem.
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
	if err := c.verifyRegister(ctx, io, l, &report); err != nil {
		return err
	}
	if c.JSON {
		text, err := json.Marshal(report)
		if err != nil {
			return err
		}
		fmt.Fprintf(io.stdout, "%s\n", text)
	} else {
		fmt.Fprintf(io.stdout, "%d records: %d replayed from their evidence to the same bytes, "+
			"%d erased\n", report.Records, report.Replayed, report.Erased)
		fmt.Fprintf(io.stdout, "%d leaves in the log; it agrees with %d signed heads; "+
			"%d leaves since the newest\n", report.Leaves, report.Heads, report.Unsigned)
		if n := report.RegisterChanges; n > 0 {
			fmt.Fprintf(io.stdout, "%d changes in the log of the exemption register\n", n)
		}
		for _, p := range report.Problems {
			fmt.Fprintf(io.stdout, "FAIL  %s %s\n", p.Record, p.What)
		}
	}
	if n := len(report.Problems); n > 0 {
		return fmt.Errorf("%w: %s", errVerify, problemsFound(n))
	}
	return nil
}

// verifyRegister adds what is wrong with the log of changes of the exemption register, where the
// configuration names one.
func (c verifyCommand) verifyRegister(
	ctx context.Context, io streams, l ledger.Registers, report *audit.Report,
) error {
	if c.Ledger != "" {
		return nil
	}
	conf, err := config.Load(c.Config, io.environ, config.NoSecrets)
	if err != nil {
		return usage{err}
	}
	path := conf.Exemption.Registry
	known, err := lookups.Known(ctx, l)
	if err != nil {
		return err
	}
	if _, err := os.Stat(path); path == "" || errors.Is(err, fs.ErrNotExist) && known.ID == "" {
		return nil
	}
	problems := []string{"cannot be read: put back the one that the ledger knows"}
	n, found, err := registry.VerifyLog(ctx, path, known)
	if err == nil {
		problems = found
	}
	report.RegisterChanges = n
	for _, what := range problems {
		report.Problems = append(report.Problems, audit.Problem{What: "the exemption register: " + what})
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
	_, err = fmt.Fprintf(io.stdout, "record %s, whose JSON has the SHA-256 %s, "+
		"is in the log that was signed at %d leaves\n", leaf.Record, leaf.SHA256, head.N)
	return err
}
