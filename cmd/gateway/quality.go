package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"slices"
	"time"

	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/internal/remeasure"
	"github.com/risposta/gateway/internal/report"
	"github.com/risposta/gateway/metering/quality"
)

type qualityCommand struct {
	Audit qualityAudit `cmd:"" help:"Measure the quality of service from Asterisk's logs, and compare."`
}

type qualityAudit struct {
	readFlags
	Period   string   `help:"2026, 2026-H1, 2026-Q3 or 2026-11." required:"" placeholder:"PERIOD"`
	In       string   `name:"period-zone" help:"The report's time zone." default:"UTC" placeholder:"NAME"`
	CEL      string   `name:"cel" help:"Asterisk's CEL." type:"existingfile" required:"" placeholder:"FILE"`
	QueueLog string   `help:"Asterisk's queue_log." type:"existingfile" required:"" placeholder:"FILE"`
	Zone     string   `help:"The time zone in which Asterisk writes its CEL." default:"UTC" placeholder:"NAME"`
	Queue    []string `help:"Calls that joined this queue first; may be repeated." placeholder:"NAME"`
}

var errTooFar = errors.New("figures differ by more than an audit allows")

// Help says which calls are compared.
func (qualityAudit) Help() string {
	return "Compared are the calls that joined a queue, by the first one. The CEL has the columns of " +
		"cel_custom.conf in deploy/asterisk."
}

// Run prints each indicator by the ledger and by the logs, and the difference in percent.
func (c qualityAudit) Run(ctx context.Context, std streams) error {
	zone, err := loadZone("--period-zone", c.In)
	if err != nil {
		return err
	}
	period, err := report.ParsePeriod(c.Period, zone)
	if err != nil {
		return usage{err}
	}
	terms := quality.DefaultTerms()
	measured := func(string, string, time.Time) remeasure.Terms { return remeasure.Terms{} }
	if c.Ledger == "" {
		conf, err := config.Load(c.Config, std.environ, config.NoSecrets)
		if err != nil {
			return usage{err}
		}
		terms = conf.Quality.Terms()
		measured = measuredBy(conf)
	}
	calls, err := c.logs()
	if err != nil {
		return err
	}
	calls = calls.Within(period.From, period.Until, c.Queue...).Measure(measured)
	counts, queues, err := c.counts(ctx, std, period)
	if err != nil {
		return err
	}
	logged := calls.Queues()
	for _, name := range slices.Sorted(maps.Keys(logged)) {
		if queues[name] == 0 {
			fmt.Fprintf(std.stdout, "queue %s: %d calls in the queue_log, none in the ledger: where it is "+
				"no service's, leave it out with --queue\n", name, logged[name])
		}
	}
	return printDifferences(std.stdout, remeasure.Compare(counts, terms,
		calls.Figures(terms.ShortAbandon)))
}

// measuredBy says how the services of a configuration are measured. Without one no service has
// opening hours, and joining a queue is the choice of an operator.
func measuredBy(conf *config.Config) func(context, exten string, at time.Time) remeasure.Terms {
	return func(context, exten string, at time.Time) remeasure.Terms {
		outside, marked := conf.Measured(context, exten, at)
		return remeasure.Terms{Outside: outside, Marked: marked}
	}
}

// logs reads the calls of the two logs.
func (c qualityAudit) logs() (calls remeasure.Calls, err error) {
	zone, err := time.LoadLocation(c.Zone)
	if err != nil {
		return nil, usage{fmt.Errorf("--zone: %w", err)}
	}
	err = readFile(c.QueueLog, func(r io.Reader) (err error) {
		calls, err = remeasure.ReadQueueLog(r)
		return err
	})
	if err != nil {
		return nil, err
	}
	return calls, readFile(c.CEL, func(r io.Reader) error { return calls.AddCEL(r, zone) })
}

func readFile(path string, read func(io.Reader) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(read(f), f.Close())
}

// counts are those of the ledger for the calls that joined a queue, and how many joined each.
func (c qualityAudit) counts(
	ctx context.Context, std streams, p report.Period,
) (whole quality.Counts, queues map[string]int64, err error) {
	l, err := c.openReadOnly(ctx, std)
	if err != nil {
		return whole, nil, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	queues = map[string]int64{}
	err = p.Rows(ctx, l, "", func(_ time.Time, row quality.Row) {
		if row.Level() == quality.LevelQueue &&
			(len(c.Queue) == 0 || slices.Contains(c.Queue, row.Queue)) {
			whole.Add(row.Counts)
			queues[row.Queue] += row.Offered + row.Outside.Offered
		}
	})
	return whole, queues, err
}

func printDifferences(w io.Writer, all []remeasure.Difference) error {
	fmt.Fprintf(w, "%-33s %-6s %17s %6s %10s %6s %10s %8s\n", "indicator", "unit", "ledger", "n", "logs",
		"n", "difference", "allowed")
	far := 0
	for _, d := range all {
		ledger, logs := "-", "-"
		if d.Ledger.Known {
			ledger = fmt.Sprintf("%.3f", d.Ledger.Low)
			if !d.Ledger.Exact() {
				ledger += fmt.Sprintf("-%.3f", d.Ledger.High)
			}
		}
		if d.Logs.N > 0 {
			logs = fmt.Sprintf("%.3f", d.Logs.Value)
		}
		off := fmt.Sprintf("%.2f %%", d.Error*100)
		if math.IsInf(d.Error, 1) {
			off = "no value"
		}
		mark := ""
		if d.TooFar() {
			far++
			mark = "  too far"
		}
		fmt.Fprintf(w, "%-33s %-6s %17s %6d %10s %6d %10s %6.0f %%%s\n", d.Indicator.Name, d.Indicator.Unit,
			ledger, d.Ledger.N, logs, d.Logs.N, off, remeasure.Allowed*100, mark)
	}
	if far > 0 {
		return fmt.Errorf("%w: %d of %d", errTooFar, far, len(all))
	}
	_, err := fmt.Fprintf(w, "%d figures agree\n", len(all))
	return err
}
