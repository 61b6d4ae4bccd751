package main

import (
	"context"
	"errors"

	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/internal/report"
)

type reportCommand struct {
	readFlags
	Period   string `help:"2026, 2026-H1, 2026-Q3 or 2026-11, in UTC." required:"" placeholder:"PERIOD"`
	Service  string `help:"This service alone." placeholder:"NAME"`
	Format   string `help:"html, json or csv." enum:"html,json,csv" default:"html"`
	Language string `help:"The language of html: en or it." enum:"en,it" default:"en"`
}

// Run writes the report of a period. Without a configuration there are no objectives, and quality
// is measured with the defaults.
func (c reportCommand) Run(ctx context.Context, io streams) (err error) {
	period, err := report.ParsePeriod(c.Period)
	if err != nil {
		return usage{err}
	}
	how := config.DefaultQuality()
	if c.Ledger == "" {
		conf, err := config.Load(c.Config, io.environ, config.NoSecrets)
		if err != nil {
			return usage{err}
		}
		c.Ledger, how = conf.Ledger.File, conf.Quality
	}
	l, err := c.openReadOnly(ctx, io)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	rows := &report.FromRecords{Records: l}
	r, err := report.Build(ctx, rows, period, c.Service, how.Terms(), how.Targets())
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
