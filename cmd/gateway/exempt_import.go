package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/risposta/gateway/internal/lookups"
	"github.com/risposta/gateway/metering/exemption/registry"
)

type exemptImport struct {
	configFlag
	Replace bool   `help:"The file is the full list: end those whom only an earlier list has."`
	On      string `help:"With --replace: their first day without the exemption (default: today)." placeholder:"DAY"`
	DryRun  bool   `help:"With --replace: print the counts and change nothing."`
	File    string `arg:"" help:"A CSV file with the columns number,from,until,ref,category." type:"existingfile"`
}

// maxBadRows bounds the rows that are printed of one file.
const maxBadRows = 1000

// Run adds all rows or none, and prints each bad row.
func (c exemptImport) Run(ctx context.Context, io streams) (err error) {
	if !c.Replace && (c.On != "" || c.DryRun) {
		return usage{errors.New("--on and --dry-run go with --replace")}
	}
	r, err := c.openRegistry(ctx, io)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	on, err := r.day("--on", c.On, r.today())
	if err != nil {
		return err
	}
	f, err := os.Open(c.File)
	if err != nil {
		return err
	}
	grants, err := registry.ReadCSV(f, r.conf.Callers.CountryCode, r.zone)
	if cerr := f.Close(); cerr != nil {
		return errors.Join(err, cerr)
	}
	if err != nil {
		lines := strings.Split(err.Error(), "\n")
		for _, line := range lines[:min(len(lines), maxBadRows)] {
			fmt.Fprintf(io.stdout, "%s: %s\n", c.File, line)
		}
		return fmt.Errorf("%d bad rows: nothing was imported", len(lines))
	}
	if c.Replace {
		return c.replace(ctx, io, r, on, grants)
	}
	if _, err := r.Add(ctx, lookups.Author(), grants...); err != nil {
		return fmt.Errorf("nothing was imported (a list that replaces the one before it is imported "+
			"with --replace): %w", err)
	}
	_, err = fmt.Fprintf(io.stdout, "%d entitlements imported\n", len(grants))
	return err
}

func (c exemptImport) replace(
	ctx context.Context, io streams, r openedRegistry, on time.Time, grants []registry.Grant,
) error {
	n, err := r.Replace(ctx, lookups.Author(), on, grants, c.DryRun)
	if err != nil {
		return fmt.Errorf("nothing was changed: %w", err)
	}
	fmt.Fprintf(io.stdout, "%d kept (%d with another end or category), %d entered, %d ended on %s\n",
		n.Kept, n.Changed, n.Entered, n.Ended, on.Format(time.DateOnly))
	if c.DryRun {
		fmt.Fprintln(io.stdout, "this was a dry run: nothing was changed")
	}
	return nil
}
