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

// Run prints a line for each system and each log of the ledger, then one for each dead letter.
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
	return listDeliveries(ctx, io, conf.Delivery, l)
}

func listDeliveries(ctx context.Context, io streams, to []config.Delivery, l ledger.Store) error {
	logs, err := logsOf(ctx, l)
	if err != nil {
		return err
	}
	for _, d := range to {
		for _, log := range logs {
			if err := listDelivery(ctx, io, d.Name, log, len(logs) > 1); err != nil {
				return err
			}
		}
	}
	return nil
}

// logsOf are the logs of a ledger: that of each node, where it has one for each.
func logsOf(ctx context.Context, l ledger.Store) (logs []delivery.Log, err error) {
	all, err := ledgers.Logs(ctx, l)
	for _, log := range all {
		logs = append(logs, delivery.Log{Node: log.Node, Store: log})
	}
	return logs, err
}

// listDelivery prints how far a system is in a log. among: there are others.
func listDelivery(
	ctx context.Context, io streams, sink string, log delivery.Log, among bool,
) error {
	end, err := log.Store.EndOfLog(ctx)
	if err != nil {
		return err
	}
	cursor, err := log.Store.Cursor(ctx, sink)
	if err != nil {
		return err
	}
	letters, err := log.Store.DeadLetters(ctx, sink)
	if err != nil {
		return err
	}
	whose := ""
	switch {
	case log.Node != "":
		whose = " of node " + log.Node
	case among:
		whose = " of no node"
	}
	fmt.Fprintf(io.stdout, "%s  has %d of %d leaves of the ledger log%s; %d letters\n",
		sink, min(cursor.Next, end), end, whose, len(letters))
	for _, l := range letters {
		fmt.Fprintf(io.stdout, "  %s  %s  %s  tries %d  %s\n", l.Record, l.State,
			l.At.Format(time.RFC3339), l.Tries, l.Why)
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
	n, err := mark(ctx, l, f.Sink, record, state)
	if err != nil {
		return err
	}
	if n == 0 {
		return fmt.Errorf("%s has no such dead letter", f.Sink)
	}
	_, err = fmt.Fprintf(io.stdout, "%d dead letters of %s %s\n", n, f.Sink, done)
	return err
}

// mark gives letters another state in each log. One that fails leaves those before it marked: doing it again
// marks all.
func mark(
	ctx context.Context, l ledger.Store, sink, record string, state ledger.LetterState,
) (n int, err error) {
	logs, err := logsOf(ctx, l)
	if err != nil {
		return 0, err
	}
	for _, log := range logs {
		marked, err := log.Store.MarkLetters(ctx, sink, record, state)
		if n += marked; err != nil {
			return n, err
		}
	}
	return n, nil
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
	logs, err := logsOf(ctx, l)
	if err != nil {
		return delivery.Comparison{}, err
	}
	if c.Held == "" {
		return delivery.Compare(ctx, logs, d)
	}
	f, err := os.Open(c.Held)
	if err != nil {
		return delivery.Comparison{}, usage{err}
	}
	got, err := delivery.CompareList(ctx, logs, d, f)
	return got, errors.Join(err, f.Close())
}
