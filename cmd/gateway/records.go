package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/internal/ledgers"
	"github.com/risposta/gateway/internal/records"
	"github.com/risposta/gateway/metering/ledger"
)

// readFlags choose the ledger of a command that only reads it.
type readFlags struct {
	configFlag
	Ledger string `help:"The ledger's file, instead of the configuration's." type:"path" placeholder:"FILE"`
}

// openReadOnly opens the ledger for a command that only reads.
func (f readFlags) openReadOnly(ctx context.Context, io streams) (ledger.Store, error) {
	return f.openLedger(ctx, io, ledger.ReadOnly)
}

// openReadWrite opens the ledger for a short change beside a running gateway.
func (f readFlags) openReadWrite(ctx context.Context, io streams) (ledger.Store, error) {
	return f.openLedger(ctx, io, ledger.ReadWrite)
}

func (f readFlags) openLedger(
	ctx context.Context, io streams, mode ledger.Mode,
) (ledger.Store, error) {
	if f.Ledger != "" {
		return ledger.Open(ctx, f.Ledger, mode)
	}
	conf, err := config.Load(f.Config, io.environ, config.NoSecrets)
	if err != nil {
		return nil, usage{err}
	}
	return ledgers.Open(ctx, conf.Ledger, mode)
}

type recordsCommand struct {
	readFlags
	periodFlags
	Service string `help:"Calls on this service." placeholder:"NAME"`
	Outcome string `help:"Calls that ended so: ${enum}." enum:"talked,abandoned,unanswered,uncertain,any" default:"any"`
	Format  string `help:"${enum}: a record a line, a row a record, a Usage a line." enum:"json,csv,tmf635" default:"json"`
}

// Run prints the records in the order of arrival.
func (c recordsCommand) Run(ctx context.Context, io streams) (err error) {
	q := ledger.Query{Service: c.Service}
	if q.Since, q.Until, err = c.period(); err != nil {
		return err
	}
	l, err := c.openReadOnly(ctx, io)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	out := records.NewJSON(io.stdout)
	switch c.Format {
	case "csv":
		out = records.NewCSV(io.stdout)
	case "tmf635":
		out = records.NewTMF635(io.stdout)
	}
	write := out.Write
	if c.Outcome != "any" {
		write = c.ended(out)
	}
	return errors.Join(l.Records(ctx, q, write), out.Flush())
}

// ended writes the records of the chosen outcome.
func (c recordsCommand) ended(out records.Writer) func([]byte) error {
	return func(text []byte) error {
		var r struct{ Outcome string }
		if err := json.Unmarshal(text, &r); err != nil {
			return fmt.Errorf("reading a record: %w", err)
		}
		if r.Outcome != c.Outcome {
			return nil
		}
		return out.Write(text)
	}
}

// periodFlags choose calls by when they arrived.
type periodFlags struct {
	Since string `help:"Calls from this instant on: 2026-11-23 (UTC) or 2026-11-23T10:00:00Z." placeholder:"TIME"`
	Until string `help:"Calls before this instant." placeholder:"TIME"`
}

// period is the zero time where a flag is left out.
func (f periodFlags) period() (since, until time.Time, err error) {
	if since, err = parseInstant("--since", f.Since); err != nil {
		return since, until, usage{err}
	}
	if until, err = parseInstant("--until", f.Until); err != nil {
		return since, until, usage{err}
	}
	return since, until, nil
}

func parseInstant(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf(
		"%s: %q is neither a day (2026-11-23) nor an instant (2026-11-23T10:00:00Z)", flag, text)
}
