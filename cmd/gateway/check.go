package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/risposta/gateway/internal/check"
)

type checkCommand struct {
	configFlag
	Offline bool `help:"Check this machine only, not the PBX."`
}

var errCheck = errors.New("check failed")

// Run prints a line for each finding: "ok", "note" or "FAIL", where, what.
func (c checkCommand) Run(ctx context.Context, s streams) error {
	conf, err := c.load(s)
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
		fmt.Fprintf(s.stdout, "%s  %s: %s\n", result, f.Where, f.Text)
	}
	show(check.Finding{Where: c.Config, Text: "the configuration is complete"})
	var tables strings.Builder
	checks := check.New(conf, show, func(pbx string, all []check.Item) { inventory(&tables, pbx, all) })
	checks.Machine(ctx)
	if !c.Offline {
		checks.PBXs(ctx)
	}
	fmt.Fprint(s.stdout, tables.String())
	if failed > 0 {
		return fmt.Errorf("%w: %s", errCheck, problemsFound(failed))
	}
	return nil
}

// inventory prints what a PBX has, and what a caller pays for it today.
func inventory(out io.Writer, pbx string, all []check.Item) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "\n%s has\t\t\ttoday a caller pays\n", pbx)
	for _, i := range all {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", i.Kind, i.Name, i.Is, i.Pays)
	}
	_ = w.Flush() // a strings.Builder never fails
}

// problemsFound is "1 problem found", "3 problems found".
func problemsFound(n int) string {
	if n == 1 {
		return "1 problem found"
	}
	return fmt.Sprintf("%d problems found", n)
}
