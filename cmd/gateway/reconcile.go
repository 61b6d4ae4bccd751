package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/internal/ledgers"
	"github.com/risposta/gateway/internal/reconcile"
	"github.com/risposta/gateway/internal/rerating"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
)

type reconcileCommand struct {
	configFlag
	periodFlags
	CEL      string `name:"cel" help:"Asterisk's CEL." type:"existingfile" required:"" placeholder:"FILE"`
	CDR      string `name:"cdr" help:"Asterisk's CDRs." type:"existingfile" placeholder:"FILE"`
	QueueLog string `help:"Asterisk's queue_log." type:"existingfile" placeholder:"FILE"`
	Zone     string `help:"The time zone of the CEL, where its times say nothing of it." placeholder:"NAME"`
	Node     string `help:"Asterisk's entityid, where the PBX is not the ledger's only one." placeholder:"ID"`
	Apply    bool   `help:"Write better versions of the records, and missing records."`
}

var errDiffers = errors.New("the records and Asterisk's logs differ")

// Help says what the logs must look like.
func (reconcileCommand) Help() string {
	return "CEL and CDRs have the columns of cel_custom.conf and cdr_custom.conf in deploy/asterisk."
}

// Run prints a line for each call that differs, how many agree, and with --cdr what the CDRs would
// have billed too much.
func (c reconcileCommand) Run(ctx context.Context, std streams) (err error) {
	conf, err := config.Load(c.Config, std.environ, config.CallersKey)
	if err != nil {
		return usage{err}
	}
	rules, err := conf.Rules()
	if err != nil {
		return err
	}
	if c.Node == "" && len(conf.PBX) > 1 {
		return usage{fmt.Errorf("the configuration has %d PBXs: give --node, the entityid of the one "+
			"whose CEL this is", len(conf.PBX))}
	}
	mode := ledger.ReadOnly
	if c.Apply {
		mode = ledger.ReadWrite
	}
	l, err := ledgers.Open(ctx, conf.Ledger, mode)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	in, done, err := c.input()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	t := tally{std: std, ledger: l, apply: c.Apply, cdrs: reconcile.NewOverbillings(rules)}
	fmt.Fprintf(std.stdout, "%-26s %-16s %-12s %10s %10s %10s %6s\n",
		"call", "service", "", "record", "CEL", "CDR", "queue")
	add := func(line reconcile.Line) error { return t.add(ctx, line) }
	err = reconcile.Compare(ctx, in, l, rules, add)
	switch {
	case errors.Is(err, reconcile.ErrNoZone):
		return usage{fmt.Errorf("%w: give --zone, such as Europe/Rome", err)}
	case err != nil:
		return err
	}
	fmt.Fprintf(std.stdout, "%d calls agree, %d differ, %d of them have a new record\n",
		t.agree, t.differ, t.applied)
	t.overbillings()
	if t.differ > t.applied {
		return fmt.Errorf("%w: %d calls", errDiffers, t.differ-t.applied)
	}
	return nil
}

func (c reconcileCommand) input() (in reconcile.Input, done func() error, err error) {
	in.Node = c.Node
	if c.Zone != "" {
		if in.Zone, err = time.LoadLocation(c.Zone); err != nil {
			return in, nil, usage{fmt.Errorf("--zone: %w", err)}
		}
	}
	if in.Query.Since, in.Query.Until, err = c.period(); err != nil {
		return in, nil, err
	}
	if c.CDR != "" {
		if in.CDR, err = fromFile(c.CDR, reconcile.ReadCDR); err != nil {
			return in, nil, err
		}
	}
	if c.QueueLog != "" {
		if in.Queues, err = fromFile(c.QueueLog, reconcile.ReadQueueLog); err != nil {
			return in, nil, err
		}
	}
	f, err := os.Open(c.CEL)
	if err != nil {
		return in, nil, err
	}
	in.CEL = f
	return in, f.Close, nil
}

// tally prints a line for each call that differs, and writes the better records.
type tally struct {
	std                    streams
	ledger                 rerating.Store
	apply                  bool
	cdrs                   *reconcile.Overbillings
	agree, differ, applied int
}

// overbillings prints what Asterisk's CDRs would have billed more than was talked.
func (t *tally) overbillings() {
	for _, o := range t.cdrs.All() {
		price := ""
		if o.Priced {
			price = fmt.Sprintf(", %s %s", o.Price, o.Price.Currency)
		}
		fmt.Fprintf(t.std.stdout, "%s %s: Asterisk's CDRs would have billed %.3f s in %d calls, of which "+
			"%.3f s were talk: %.3f s%s too much\n", o.Month, o.Service, o.CDR.Seconds(), o.Calls,
			o.Talk.Seconds(), (o.CDR - o.Talk).Seconds(), price)
	}
}

func (t *tally) add(ctx context.Context, l reconcile.Line) error {
	t.cdrs.Add(l)
	if l.Status == reconcile.Agrees {
		t.agree++
		return nil
	}
	t.differ++
	fmt.Fprintf(t.std.stdout, "%-26s %-16s %-12s %9.3fs %9.3fs %9.3fs %6d\n",
		l.Call, l.Service, l.Status, l.Recorded.Seconds(), l.CEL.Seconds(), l.CDR.Seconds(), l.Queue)
	if l.Why != "" {
		fmt.Fprintf(t.std.stdout, "    %s\n", l.Why)
	}
	if l.Better == nil {
		return nil
	}
	if !t.apply {
		t.report("--apply would write version", l, l.Better.Newest(), "")
		return nil
	}
	change := rerating.Reconciled(l.EncryptedCaller, l.Better.Frames...)
	written, err := rerating.Supersede(ctx, t.ledger, l.Call, change)
	switch {
	case errors.Is(err, ledger.ErrOpen):
		fmt.Fprintf(t.std.stdout, "    skipped: the call is still open\n")
		return nil
	case errors.Is(err, ledger.ErrErased):
		t.differ-- // its record is there, and nothing is left to compare
		fmt.Fprintf(t.std.stdout, "    skipped: calls of that time are erased: it may have its record already\n")
		return nil
	case errors.Is(err, ledger.ErrBroken): // the trouble of this call alone
		fmt.Fprintf(t.std.stdout, "    skipped: %v\n", err)
		return nil
	case err != nil:
		return err
	case written == nil: // another run has written it meanwhile
		return nil
	}
	t.applied++
	t.report("version", l, *written, " written")
	return nil
}

// report prints the later version of a call, and how much less it is than the record so far.
func (t *tally) report(verb string, l reconcile.Line, newest metering.Record, then string) {
	less := ""
	if short := l.Recorded - time.Duration(newest.TalkMs)*time.Millisecond; short > 0 {
		off := l.Charged
		off.Minor -= newest.Charge.Minor
		less = fmt.Sprintf(", %s %s and %.3fs less", off, off.Currency, short.Seconds())
	}
	fmt.Fprintf(t.std.stdout, "    %s %d%s: %s %s for %.3fs of talk%s\n", verb, newest.Version, then,
		newest.Charge, newest.Charge.Currency, float64(newest.TalkMs)/1000, less)
}

// fromFile reads one of Asterisk's logs.
func fromFile[T any](
	path string, read func(r io.Reader) (map[metering.CallID]T, error),
) (map[metering.CallID]T, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	m, err := read(f)
	return m, errors.Join(err, f.Close())
}
