package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/internal/delivery"
	"github.com/risposta/gateway/internal/ledgers"
	"github.com/risposta/gateway/metering/ledger"
)

// deliveryCommand works beside a running gateway.
type deliveryCommand struct {
	List   deliveryList   `cmd:"" help:"List the systems that get the records, how far each is, and its dead letters."`
	Retry  deliveryRetry  `cmd:"" help:"Have the running gateway deliver dead letters once more."`
	Skip   deliverySkip   `cmd:"" help:"Leave a dead letter out for good."`
	Verify deliveryVerify `cmd:"" help:"Compare what a system has with the ledger."`
}

type deliveryList struct{ configFlag }

// Run prints a line for each system, then one for each of its dead letters.
func (c deliveryList) Run(ctx context.Context, io streams) (err error) {
	conf, err := config.Load(c.Config, io.environ, config.NoSecrets)
	if err != nil {
		return usage{err}
	}
	l, err := ledgers.Open(ctx, conf.Ledger, ledger.ReadOnly)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	end, err := l.EndOfLog(ctx)
	if err != nil {
		return err
	}
	for _, d := range conf.Delivery {
		cursor, err := l.Cursor(ctx, d.Name)
		if err != nil {
			return err
		}
		letters, err := l.DeadLetters(ctx, d.Name)
		if err != nil {
			return err
		}
		fmt.Fprintf(io.stdout, "%s  has %d of %d leaves of the ledger log; %d letters\n",
			d.Name, min(cursor.Next, end), end, len(letters))
		for _, l := range letters {
			fmt.Fprintf(io.stdout, "  %s  %s  %s  tries %d  %s\n", l.Record, l.State,
				l.At.Format(time.RFC3339), l.Tries, l.Why)
		}
	}
	return nil
}

// letterFlags choose dead letters.
type letterFlags struct {
	configFlag
	Sink string `arg:"" help:"The system, as the configuration names it."`
}

// mark gives letters another state, and fails where there are none.
func (f letterFlags) mark(
	ctx context.Context, io streams, record string, state ledger.LetterState, done string,
) (err error) {
	conf, err := config.Load(f.Config, io.environ, config.NoSecrets)
	if err != nil {
		return usage{err}
	}
	if _, err := sinkOf(conf, f.Sink); err != nil {
		return err
	}
	l, err := ledgers.Open(ctx, conf.Ledger, ledger.ReadWrite)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	n, err := l.MarkLetters(ctx, f.Sink, record, state)
	if err != nil {
		return err
	}
	if n == 0 {
		return fmt.Errorf("%s has no such dead letter", f.Sink)
	}
	_, err = fmt.Fprintf(io.stdout, "%d dead letters of %s %s\n", n, f.Sink, done)
	return err
}

func sinkOf(conf *config.Config, name string) (config.Delivery, error) {
	for _, d := range conf.Delivery {
		if d.Name == name {
			return d, nil
		}
	}
	return config.Delivery{}, usage{fmt.Errorf("the configuration has no delivery %q", name)}
}

type deliveryRetry struct {
	letterFlags
	Record string `arg:"" optional:"" help:"The record, as the list names it (default: all)."`
}

// Run marks the letters; the running gateway delivers them within a second.
func (c deliveryRetry) Run(ctx context.Context, io streams) error {
	return c.mark(ctx, io, c.Record, ledger.LetterRetry, "are delivered once more")
}

type deliverySkip struct {
	letterFlags
	Record string `arg:"" help:"The record, as the list names it."`
}

// Run marks one record's letters.
func (c deliverySkip) Run(ctx context.Context, io streams) error {
	return c.mark(ctx, io, c.Record, ledger.LetterSkipped, "are left out")
}

type deliveryVerify struct {
	letterFlags
	Held string `help:"Its ids, where it cannot be asked, one a line." type:"existingfile" placeholder:"FILE"`
}

var errDelivery = errors.New("the system does not have what the ledger has")

// maxShown bounds the ids that are printed of each kind.
const maxShown = 20

// Run prints the comparison.
func (c deliveryVerify) Run(ctx context.Context, io streams) (err error) {
	conf, err := config.Load(c.Config, io.environ, config.AllSecrets)
	if err != nil {
		return usage{err}
	}
	d, err := sinkOf(conf, c.Sink)
	if err != nil {
		return err
	}
	l, err := ledgers.Open(ctx, conf.Ledger, ledger.ReadOnly)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	got, err := c.compare(ctx, d, l)
	if err != nil {
		return err
	}
	fmt.Fprintf(io.stdout, "%s is to have %d events and has %d; %d repeats, %d dead letters\n",
		c.Sink, got.Events, got.Held, got.Repeats, got.Letters)
	for _, kind := range []struct {
		what string
		ids  []string
	}{{"missing", got.Missing}, {"unknown", got.Unknown}, {"other values", got.Other}} {
		for i, id := range kind.ids {
			if i == maxShown {
				fmt.Fprintf(io.stdout, "FAIL  %s: %d more\n", kind.what, len(kind.ids)-i)
				break
			}
			fmt.Fprintf(io.stdout, "FAIL  %s: %s\n", kind.what, id)
		}
	}
	if !got.OK() {
		return errDelivery
	}
	return nil
}

func (c deliveryVerify) compare(
	ctx context.Context, d config.Delivery, l ledger.Store,
) (delivery.Comparison, error) {
	if c.Held == "" {
		return delivery.Compare(ctx, l, d)
	}
	f, err := os.Open(c.Held)
	if err != nil {
		return delivery.Comparison{}, usage{err}
	}
	got, err := delivery.CompareList(ctx, l, d, f)
	return got, errors.Join(err, f.Close())
}
