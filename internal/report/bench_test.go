package report

import (
	"fmt"
	"io"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/quality"
)

// The report of half a year of 1,000,000 calls of three services, with four queues and 40 operators
// each in common, as `risposta report` makes it. Each call is made up and counted; the sums of each
// day come into the ledger the way in which repeats do, so that no million records must be written.
func BenchmarkMillionCalls(b *testing.B) {
	big := center{
		services: []string{"help", "sales", "complaints"}, queues: []string{"a", "b", "c", "d"},
		from: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), days: 181, calls: 1_000_000, seed: 1,
	}
	for i := range 40 {
		big.operators = append(big.operators, fmt.Sprint("PJSIP/operator", i))
	}
	path := filepath.Join(b.TempDir(), "ledger.db")
	l, err := ledger.Open(b.Context(), path, ledger.Exclusive)
	if err != nil {
		b.Fatal(err)
	}
	rows := 0
	big.rows(func(day string, of []quality.Row) {
		rows += len(of)
		if err := l.AddRepeats(b.Context(), day, of); err != nil {
			b.Fatal(err)
		}
	})
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
	p, err := ParsePeriod("2026-H1", time.UTC)
	if err != nil {
		b.Fatal(err)
	}
	spent := processorTime(b)
	for b.Loop() {
		calls := reportOf(b, path, p)
		if calls != 1_000_000 {
			b.Fatalf("%d calls are in the report", calls)
		}
	}
	b.ReportMetric((processorTime(b)-spent).Seconds()/float64(b.N), "cpu-s/op")
	b.ReportMetric(float64(rows), "rows")
}

// processorTime is what this process has used of the processors.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var used unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// reportOf writes the page of a ledger, and returns how many calls are in it.
func reportOf(b *testing.B, path string, p Period) (calls int64) {
	b.Helper()
	l, err := ledger.Open(b.Context(), path, ledger.ReadOnly)
	if err != nil {
		b.Fatal(err)
	}
	err = l.Snapshot(b.Context(), func(s ledger.Snapshot) error {
		r, err := Build(b.Context(), s, Request{Period: p, Terms: terms})
		if err != nil {
			return err
		}
		for _, s := range r.Services {
			for _, f := range s.Figures {
				if f.Indicator == "cut_waiting" {
					calls += f.Of
				}
			}
		}
		return r.WriteHTML(io.Discard, "it")
	})
	if err != nil {
		b.Fatal(err)
	}
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
	return calls
}
