package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/internal/lookups"
	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering"
)

type replayCommand struct {
	Config    string   `help:"The configuration to replay under." type:"path" placeholder:"FILE"`
	Callers   []string `help:"Endpoints of callers, such as PJSIP/trunk*." placeholder:"GLOB" sep:","`
	Operators []string `help:"Endpoints of operators, such as PJSIP/agent*." placeholder:"GLOB" sep:","`
	Traces    []string `arg:"" name:"trace" help:"Files of ARI events, one frame a line." type:"existingfile"`
}

// Help says what goes without a configuration.
func (replayCommand) Help() string {
	return "Without --config, --callers and --operators name the endpoints, and nothing has a " +
		"price. Each file is a recording of its own."
}

// Run prints one record a line for each call, in the order in which the calls end.
func (c replayCommand) Run(ctx context.Context, io streams) (err error) {
	r, done, err := c.recording(ctx, io)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	out := bufio.NewWriter(io.stdout)
	r.Record = func(rec metering.Record) error {
		_, err := out.Write(append(rec.JSON(), '\n'))
		return err
	}
	for _, path := range c.Traces {
		r.Warn = func(line int, problem error) {
			fmt.Fprintf(io.stderr, "%s:%d: %v\n", path, line, problem)
		}
		if err := replay(ctx, r, path, io); err != nil {
			return errors.Join(fmt.Errorf("replaying %s: %w", path, err), out.Flush())
		}
	}
	return out.Flush()
}

func replay(ctx context.Context, r mediation.Recording, path string, io streams) (err error) {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	n, err := r.Replay(ctx, f)
	if n.Unreadable > 0 {
		fmt.Fprintf(io.stderr, "%s: %d unreadable frames in %d lines\n", path, n.Unreadable, n.Lines)
	}
	return err
}

// recording has the rules and the exemption lookups. done closes the lookups.
func (c replayCommand) recording(ctx context.Context, io streams) (
	r mediation.Recording, done func() error, err error,
) {
	if c.Config == "" {
		r.Rules, err = c.bareRules()
		return r, func() error { return nil }, err
	}
	if len(c.Callers)+len(c.Operators) > 0 {
		return r, nil, usage{errors.New("--callers and --operators go without --config: " +
			"the configuration names the endpoints")}
	}
	conf, err := config.Load(c.Config, io.environ, config.CallersKey)
	if err != nil {
		return r, nil, usage{err}
	}
	if r.Rules, err = conf.Rules(); err != nil {
		return r, nil, err
	}
	all, err := lookups.OpenExisting(ctx, conf)
	if err != nil {
		return r, nil, err
	}
	r.Exempt = lookups.ByNumber{Lookup: all, Trust: conf.Trust()}.Exempt
	return r, all.Close, nil
}

// bareRules are the rules of the flags alone.
func (c replayCommand) bareRules() (rules mediation.Rules, err error) {
	if len(c.Callers) == 0 || len(c.Operators) == 0 {
		return rules, usage{errors.New("without --config, give both --callers and --operators, " +
			"such as --callers 'PJSIP/trunk*' --operators 'PJSIP/agent*'")}
	}
	callers, err := mediation.NewGlobs(c.Callers...)
	if err != nil {
		return rules, usage{fmt.Errorf("--callers: %w", err)}
	}
	operators, err := mediation.NewGlobs(c.Operators...)
	if err != nil {
		return rules, usage{fmt.Errorf("--operators: %w", err)}
	}
	return mediation.RecordingRules(callers, operators), nil
}
