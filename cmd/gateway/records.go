package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
)

// readFlags are what commands need that only read the ledger.
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

func (f readFlags) openLedger(ctx context.Context, io streams, mode ledger.Mode) (ledger.Store, error) {
	path := f.Ledger
	if path == "" {
		conf, err := config.Load(f.Config, io.environ, config.NoSecrets)
		if err != nil {
			return nil, usage{err}
		}
		path = conf.Ledger.File
	}
	return ledger.Open(ctx, path, mode)
}

type recordsCommand struct {
	readFlags
	Since   string `help:"Calls that arrived at this instant or later: 2026-11-23 (UTC) or 2026-11-23T10:00:00Z." placeholder:"TIME"`
	Until   string `help:"Calls that arrived before this instant." placeholder:"TIME"`
	Service string `help:"Calls on this service." placeholder:"NAME"`
	Format  string `help:"json: one record a line. csv: one row a record, the same names." enum:"json,csv" default:"json"`
}

// Run prints the records in the order of arrival.
func (c recordsCommand) Run(ctx context.Context, io streams) (err error) {
	q := ledger.Query{Service: c.Service}
	if q.Since, err = parseInstant("--since", c.Since); err != nil {
		return usage{err}
	}
	if q.Until, err = parseInstant("--until", c.Until); err != nil {
		return usage{err}
	}
	l, err := c.openReadOnly(ctx, io)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	out := bufio.NewWriter(io.stdout)
	print, done := printJSON(out)
	if c.Format == "csv" {
		print, done = printCSV(out)
	}
	return errors.Join(l.Records(ctx, q, print), done(), out.Flush())
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
	return time.Time{}, fmt.Errorf("%s: %q is neither a day (2026-11-23) nor an instant (2026-11-23T10:00:00Z)", flag, text)
}

func printJSON(w io.Writer) (print func([]byte) error, done func() error) {
	return func(rec []byte) error {
		_, err := fmt.Fprintf(w, "%s\n", rec)
		return err
	}, func() error { return nil }
}

// csvColumns are the record's fields; a dot leads into an object, and the two lists are JSON within their cell.
var csvColumns = []string{
	"record", "version", "node", "call", "service", "caller", "arrived_at", "ended_at", "outcome", "state", "queues", "talk",
	"waited_ms", "held_ms", "unseen_ms", "talk_ms", "billable_seconds", "exempt", "exemption_ref", "tariff", "policy",
	"numbers", "announcement", "survey", "charge.amount", "charge.currency", "reasons", "evidence.events", "evidence.digest",
}

func printCSV(w io.Writer) (print func([]byte) error, done func() error) {
	cw := csv.NewWriter(w)
	headed := false
	head := func() error {
		if headed {
			return nil
		}
		headed = true
		return cw.Write(csvColumns)
	}
	print = func(text []byte) error {
		row, err := csvRow(text)
		if err != nil {
			return err
		}
		return errors.Join(head(), cw.Write(row))
	}
	done = func() error {
		err := head()
		cw.Flush()
		return errors.Join(err, cw.Error())
	}
	return print, done
}

func csvRow(text []byte) ([]string, error) {
	var r metering.Record
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("reading a record: %w", err)
	}
	var raw struct{ Queues, Talk, Announcement, Survey json.RawMessage }
	if err := json.Unmarshal(text, &raw); err != nil {
		return nil, fmt.Errorf("reading record %s: %w", r.Record, err)
	}
	reasons := make([]string, len(r.Reasons))
	for i, why := range r.Reasons {
		reasons[i] = string(why)
	}
	n := func(v int64) string { return strconv.FormatInt(v, 10) }
	return []string{
		r.Record, strconv.Itoa(r.Version), r.Node, string(r.Call), r.Service, r.Caller, r.ArrivedAt.String(), r.EndedAt.String(),
		string(r.Outcome), r.State, string(raw.Queues), string(raw.Talk), n(r.WaitedMs), n(r.HeldMs), n(r.UnseenMs), n(r.TalkMs),
		n(r.BillableSeconds), strconv.FormatBool(r.Exempt), r.ExemptionRef, r.Tariff, r.Policy,
		strings.Join(r.Numbers, " "), string(raw.Announcement), string(raw.Survey), r.Charge.String(),
		r.Charge.Currency, strings.Join(reasons, " "), strconv.Itoa(r.Evidence.Events), r.Evidence.Digest,
	}, nil
}
