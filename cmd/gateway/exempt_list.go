package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/risposta/gateway/internal/lookups"
	"github.com/risposta/gateway/metering/exemption/registry"
)

type exemptList struct {
	configFlag
	All      bool `help:"Also list those that have ended or not begun."`
	Category bool `help:"Print the categories. They are personal data."`
}

// Run prints a line for each entitlement: reference, first and last day, category where asked for.
func (c exemptList) Run(ctx context.Context, io streams) (err error) {
	r, err := c.openRegistry(ctx, io)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	at := time.Now()
	if c.All {
		at = time.Time{}
	}
	return r.List(ctx, at, func(e registry.Entitlement) error {
		until := "without end"
		if !e.Until.IsZero() {
			until = "until " + e.Until.In(r.zone).Format(time.RFC3339)
		}
		line := fmt.Sprintf("%s  from %s  %s", e.Ref, e.From.In(r.zone).Format(time.DateOnly), until)
		if !e.Revoked.IsZero() {
			line += "  revoked " + e.Revoked.In(r.zone).Format(time.DateOnly)
		}
		if e.CodeUses > 0 {
			line += fmt.Sprintf("  code used %d times, last %s",
				e.CodeUses, e.CodeUsed.In(r.zone).Format(time.RFC3339))
		}
		if c.Category {
			line += "  " + e.Category
		}
		_, err := fmt.Fprintln(io.stdout, line)
		return err
	})
}

type exemptExpire struct {
	configFlag
	Before string `help:"Delete those that ended before this day (default: ledger.keep_months ago)." placeholder:"DAY"`
}

// Run deletes what ended long ago.
func (c exemptExpire) Run(ctx context.Context, io streams) (err error) {
	r, err := c.openRegistry(ctx, io)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	before, err := r.day("--before", c.Before, r.conf.Ledger.EraseBefore(time.Now()))
	if err != nil {
		return err
	}
	n, err := r.Expire(ctx, lookups.Author(), before)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(io.stdout, "%d entitlements that ended before %s deleted\n",
		n, before.In(r.zone).Format(time.DateOnly))
	return err
}

type exemptLog struct{ configFlag }

// Run prints a line for each change: when, who, what, the reference or the counts.
func (c exemptLog) Run(ctx context.Context, io streams) (err error) {
	r, err := c.openRegistry(ctx, io)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	return r.Log(ctx, func(e registry.Entry) error {
		line := fmt.Sprintf("%d  %s  %s  %s", e.N, e.At, e.By, e.What)
		if e.Ref != "" {
			line += " " + e.Ref
		} else if e.Added+e.Changed+e.Ended+e.Deleted > 0 {
			line += fmt.Sprintf(": %d added, %d changed, %d ended, %d deleted",
				e.Added, e.Changed, e.Ended, e.Deleted)
		}
		_, err := fmt.Fprintln(io.stdout, line)
		return err
	})
}
