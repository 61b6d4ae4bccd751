package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/risposta/gateway/internal/check"
)

type checkCommand struct {
	configFlag
	Offline bool `help:"Check this machine only, not the PBX."`
}

var errCheck = errors.New("check failed")

// Run prints a line for each finding: "ok", "note" or "FAIL", where, what.
func (c checkCommand) Run(ctx context.Context, io streams) error {
	conf, err := c.load(io)
	if err != nil {
		return err
	}
	failed := 0
	show := func(f check.Finding) {
		result := "ok  "
		switch {
		case f.Failed:
			result = "FAIL"
			failed++
		case f.Note:
			result = "note"
		}
		fmt.Fprintf(io.stdout, "%s  %s: %s\n", result, f.Where, f.Text)
	}
	show(check.Finding{Where: c.Config, Text: "the configuration is complete"})
	checks := check.New(conf, show)
	checks.Machine(ctx)
	if !c.Offline {
		checks.PBXs(ctx)
	}
	if failed > 0 {
		return fmt.Errorf("%w: %s", errCheck, problemsFound(failed))
	}
	return nil
}

// problemsFound is "1 problem found", "3 problems found".
func problemsFound(n int) string {
	if n == 1 {
		return "1 problem found"
	}
	return fmt.Sprintf("%d problems found", n)
}
