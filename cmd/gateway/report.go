package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/risposta/gateway/internal/audit"
	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/internal/report"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/quality"
)

// reportFlags choose what a report is about.
type reportFlags struct {
	readFlags
	Period  string `help:"2026, 2026-H1, 2026-Q3 or 2026-11." required:"" placeholder:"PERIOD"`
	Zone    string `help:"The time zone of the period, such as Europe/Rome." default:"UTC" placeholder:"NAME"`
	Service string `help:"This service alone." placeholder:"NAME"`
}

type reportCommand struct {
	Write   reportWrite   `cmd:"" default:"withargs" help:"Write the report of a period."`
	Publish reportPublish `cmd:"" help:"Write the report as a company publishes it: signed JSON."`
}

type reportWrite struct {
	reportFlags
	Format   string `help:"html, json, csv or xlsx." enum:"html,json,csv,xlsx" default:"html"`
	Language string `help:"The language of html: en or it." enum:"en,it" default:"en"`
}

// Run writes the report of a period. Without a configuration there are no objectives, no policy is
// known, and the terms are the defaults.
func (c reportWrite) Run(ctx context.Context, io streams) error {
	r, _, err := c.build(ctx, io)
	if err != nil {
		return err
	}
	switch c.Format {
	case "json":
		return r.WriteJSON(io.stdout)
	case "csv":
		return r.WriteCSV(io.stdout)
	case "xlsx":
		return r.WriteXLSX(io.binary)
	}
	return r.WriteHTML(io.stdout, c.Language)
}

type reportPublish struct {
	reportFlags
	Company string `help:"The company's name." required:"" placeholder:"NAME"`
	Key     string `help:"The ledger's key, instead of the configuration's." type:"existingfile" placeholder:"FILE"`
}

// Run writes the report with a signature by the key of the ledger log.
func (c reportPublish) Run(ctx context.Context, io streams) error {
	r, conf, err := c.build(ctx, io)
	if err != nil {
		return err
	}
	if c.Key == "" {
		if conf == nil {
			return usage{errors.New("--ledger needs --key: there is no configuration that names it")}
		}
		c.Key = conf.Ledger.KeyFile
	}
	signer, err := audit.Signer(c.Key, true) // makes none
	if err != nil {
		return err
	}
	return report.Published{Company: c.Company, Report: r}.Publish(io.binary, signer)
}

// build makes the report, and returns the configuration that it was made with, nil with --ledger.
func (c reportFlags) build(
	ctx context.Context, io streams,
) (r report.Report, conf *config.Config, err error) {
	q := report.Request{Service: c.Service, Terms: quality.DefaultTerms()}
	zone, err := loadZone("--zone", c.Zone)
	if err != nil {
		return r, nil, err
	}
	if q.Period, err = report.ParsePeriod(c.Period, zone); err != nil {
		return r, nil, usage{err}
	}
	if c.Ledger == "" {
		if conf, err = config.Load(c.Config, io.environ, config.NoSecrets); err != nil {
			return r, nil, usage{err}
		}
		law, err := conf.Policy()
		if err != nil {
			return r, nil, usage{err}
		}
		q.Policy = law.Ref()
		q.Terms, q.Objectives = conf.Quality.Terms(), conf.Quality.Targets()
	}
	l, err := c.openReadOnly(ctx, io)
	if err != nil {
		return r, nil, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	err = l.Snapshot(ctx, func(s ledger.Snapshot) error {
		r, err = report.Build(ctx, s, q)
		return err
	})
	return r, conf, err
}

// loadZone reads the time zone that a flag names.
func loadZone(flag, name string) (*time.Location, error) {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		return nil, usage{fmt.Errorf("%s: %q is not a time zone such as Europe/Rome", flag, name)}
	}
	return zone, nil
}
