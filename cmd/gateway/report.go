package main

import (
	"context"
	"errors"
	"time"

	"github.com/risposta/gateway/internal/report"
)

type reportCommand struct {
	readFlags
	Period       string        `help:"2026, 2026-H1, 2026-Q3 or 2026-11, in UTC." required:"" placeholder:"PERIOD"`
	Service      string        `help:"This service alone." placeholder:"NAME"`
	Format       string        `help:"html, json or csv." enum:"html,json,csv" default:"html"`
	Language     string        `help:"The language of html: en or it." enum:"en,it" default:"en"`
	ShortAbandon time.Duration `help:"A caller who hangs up after this wait or less abandons in short." default:"5s"`
	RepeatWithin time.Duration `help:"Another call within this time is a repeat." default:"168h"`
}

// Run writes the report of a period.
func (c reportCommand) Run(ctx context.Context, io streams) (err error) {
	period, err := report.ParsePeriod(c.Period)
	if err != nil {
		return usage{err}
	}
	if c.ShortAbandon < 0 || c.RepeatWithin < 0 {
		return usage{errors.New("--short-abandon and --repeat-within: a time of less than nothing")}
	}
	l, err := c.openReadOnly(ctx, io)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	rows := &report.FromRecords{
		Records: l, ShortAbandon: c.ShortAbandon, RepeatWithin: c.RepeatWithin,
	}
	r, err := report.Build(ctx, rows, period, c.Service)
	if err != nil {
		return err
	}
	r.NotCounted = rows.Erased
	switch c.Format {
	case "json":
		return r.WriteJSON(io.stdout)
	case "csv":
		return r.WriteCSV(io.stdout)
	}
	return r.WriteHTML(io.stdout, c.Language)
}
