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
	"github.com/risposta/gateway/internal/heads"
	"github.com/risposta/gateway/internal/ledgers"
	"github.com/risposta/gateway/internal/lookups"
	"github.com/risposta/gateway/metering/exemption/registry"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/ledger/merkle"
)

// keyFlag names the public key that the signed heads of the ledger log are verified with.
type keyFlag struct {
	Key string `help:"The public key of the signed heads (default: ledger.key_file.pub)." type:"path" placeholder:"FILE"`
}

func (f keyFlag) verifiers(read readFlags, io streams) (note.Verifiers, error) {
	switch {
	case f.Key != "":
		return audit.Verifiers(f.Key)
	case read.Ledger != "":
		return audit.Verifiers(read.Ledger + ".key.pub")
	}
	conf, err := config.Load(read.Config, io.environ, config.NoSecrets)
	if err != nil {
		return nil, usage{err}
	}
	return audit.Verifiers(conf.Ledger.KeyFile + ".pub")
}

type verifyCommand struct {
	readFlags
	keyFlag
	Head  []string `help:"A signed head that was kept elsewhere; repeatable." sep:"none" type:"path" placeholder:"FILE"`
	Since string   `help:"Replay the evidence of calls since this instant only." placeholder:"TIME"`
	Pack  string   `help:"Verify the pack of one call alone, without a ledger." type:"path" placeholder:"FOLDER"`
	Proof string   `help:"Verify this inclusion proof alone, without a ledger." type:"path" placeholder:"FILE"`
	JSON  bool     `help:"Print one JSON object instead of a text."`
}

var errVerify = errors.New("verification failed")

// Help says where a head comes from.
func (verifyCommand) Help() string {
	return "The log event ledger.signed has each signed head: keep the log on another machine, and give " +
		"--head its lines as they are, or those that a collector has written."
}

// Run prints what was verified, then a line for each problem.
func (c verifyCommand) Run(ctx context.Context, io streams) (err error) {
	keys, err := c.verifiers(c.readFlags, io)
	if err != nil {
		return err
	}
	switch {
	case c.Proof != "":
		return c.proof(keys, io)
	case c.Pack != "":
		return c.pack(keys, io)
	}
	options, err := c.options(keys)
	if err != nil {
		return err
	}
	l, err := c.openReadOnly(ctx, io)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	reports, err := verifyEach(ctx, l, options)
	if err != nil {
		return err
	}
	problems := 0
	for i := range reports {
		report := &reports[i]
		if i == 0 {
			if err := c.verifyRegister(ctx, io, l, report); err != nil {
				return err
			}
		}
		problems += len(report.Problems)
		if c.JSON {
			text, err := json.Marshal(report)
			if err != nil {
				return err
			}
			fmt.Fprintf(io.stdout, "%s\n", text)
		} else {
			printReport(io, *report)
		}
	}
	if len(options.Heads) == 0 && !c.JSON {
		fmt.Fprint(io.stdout, withoutHead)
	}
	if problems > 0 {
		return fmt.Errorf("%w: %s", errVerify, problemsFound(problems))
	}
	return nil
}

// verifyEach verifies each log of the ledger: that of each node, where it has one for each. A head that
// was kept elsewhere is of the log of the node that it names.
func verifyEach(
	ctx context.Context, l ledger.Store, o audit.Options,
) (reports []audit.Report, err error) {
	logs, err := ledgers.Logs(ctx, l)
	if err != nil {
		return nil, err
	}
	kept := o.Heads
	var nodes []string
	for _, log := range logs {
		nodes = append(nodes, log.Node)
	}
	for i, log := range logs {
		o.Node, o.Heads = log.Node, audit.HeadsOf(log.Node, kept)
		if i == 0 { // those of a node that has no log are refused there
			o.Heads = append(o.Heads, audit.HeadsOfOthers(nodes, kept)...)
		}
		report, err := audit.Verify(ctx, log, o)
		if err != nil {
			return nil, err
		}
		reports = append(reports, report)
	}
	return reports, nil
}

func printReport(io streams, report audit.Report) {
	if report.Node != "" {
		fmt.Fprintf(io.stdout, "node %s:\n", report.Node)
	}
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

// withoutHead is printed where the ledger is compared with nothing outside.
const withoutHead = `note  NO HEAD FROM OUTSIDE WAS GIVEN: the ledger was compared with itself alone. Who can write the
      ledger and its key may have made all of it anew. Give --head with a head that was kept on
      another machine.
`

// options reads the heads that were kept elsewhere.
func (c verifyCommand) options(keys note.Verifiers) (o audit.Options, err error) {
	o.Keys = keys
	for _, file := range c.Head {
		text, err := os.ReadFile(file)
		if err != nil {
			return o, usage{fmt.Errorf("--head: %w", err)}
		}
		kept, err := heads.Read(text)
		if err != nil {
			return o, usage{fmt.Errorf("--head %s: %w", file, err)}
		}
		o.Heads = append(o.Heads, kept...)
	}
	if c.Since != "" {
		if o.Since, err = parseInstant("--since", c.Since); err != nil {
			return o, usage{err}
		}
	}
	return o, nil
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

func (c verifyCommand) proof(keys note.Verifiers, io streams) error {
	text, err := os.ReadFile(c.Proof)
	if err != nil {
		return usage{fmt.Errorf("--proof: %w", err)}
	}
	leaf, head, err := merkle.CheckProof(text, keys)
	if err != nil {
		return err
	}
	whose := ""
	if head.Node != "" {
		whose = " of node " + head.Node
	}
	_, err = fmt.Fprintf(io.stdout, "record %s, whose JSON has the SHA-256 %s, "+
		"is in the log%s that was signed at %d leaves\n", leaf.Record, leaf.SHA256, whose, head.N)
	return err
}

// pack prints all versions of a call that its pack proves.
func (c verifyCommand) pack(keys note.Verifiers, io streams) error {
	versions, err := audit.CheckPack(os.DirFS(c.Pack), keys)
	if err != nil {
		return fmt.Errorf("%w: the pack %s: %w", errVerify, c.Pack, err)
	}
	for _, r := range versions {
		fmt.Fprintf(io.stdout, "version %d: record %s, %d ms of talk, %s %s, because of %v\n",
			r.Version, r.Record, r.TalkMs, r.Charge, r.Charge.Currency, r.Reasons)
	}
	_, err = fmt.Fprintf(io.stdout, "version %d is the last one that the evidence gives, is in the "+
		"signed log, and its itemisation and timeline are its own\n", len(versions))
	return err
}
