package sqlite_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/tariff"
)

// closing is a batch that ends so many calls of one hour, each in one of 8 queues, with one of 40
// operators, a survey and 36 frames of evidence; and the batch that opens them. Of what is called
// erased nothing is counted: everything else that a commit does for it is the same.
func closing(round, calls int, counted bool) (opens, ends ledger.Batch) {
	at := noon.Add(time.Duration(round) * time.Second)
	instant := func(seconds int) metering.Time {
		return metering.Time{Time: at.Add(time.Duration(seconds) * time.Second)}
	}
	for i := range calls {
		n := round*calls + i
		call := metering.CallID(fmt.Sprintf("pbx-1763898374.%d", n))
		opens.Opened = append(opens.Opened, ledger.OpenCall{
			Call: call, Node: "pbx", Service: "help", ArrivedAt: at,
		})
		r := metering.Record{
			Record: fmt.Sprintf("9c1b2a7e5d%d", n), Version: 1, Node: "pbx", Call: call, Service: "help",
			Caller: fmt.Sprintf("p-%020d", n), Trunk: "PJSIP/trunk", ArrivedAt: instant(0), EndedAt: instant(95),
			Outcome: metering.Talked, WaitedMs: 35_000, TalkMs: 60_000, BillableSeconds: 60,
			Queues: []metering.QueueEntry{{Name: fmt.Sprint("queue-", n%8), JoinedAt: instant(5)}},
			Talk: []metering.Talk{{
				From: instant(35), To: instant(95), Ms: 60_000, Operator: fmt.Sprint("PJSIP/agent", n%40),
			}},
			Survey:  &metering.Survey{Satisfaction: 1 + n%5, Solved: metering.SolvedYes},
			Charge:  tariff.Amount{Minor: 150, Currency: "EUR", Digits: 2},
			Reasons: []metering.Reason{metering.ReasonTalk}, DetailErased: !counted,
		}
		ends.Records = append(ends.Records, r)
		for f := range 36 {
			frame := fmt.Sprintf(`{"type":"ChannelStateChange","at":%d,"state":"Up","of":"%s","pad":"%s"}`,
				1763898374000+n*1000+f*17, call, strings.Repeat("x", 180))
			opens.Evidence = append(opens.Evidence, ledger.Evidence{Call: call, Frame: []byte(frame)})
		}
	}
	return opens, ends
}

// What counting adds to the commit that ends calls, in processor time: a ledger that counts and one
// that does not take turns. Every 1,024 records a commit adds up what they count: its share is told
// for each call.
func BenchmarkCounting(b *testing.B) {
	for _, calls := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("calls=%d", calls), func(b *testing.B) {
			var ledgers [2]ledger.Store
			for i := range ledgers {
				l, err := ledger.Open(b.Context(), filepath.Join(b.TempDir(), "ledger.db"), ledger.Exclusive)
				if err != nil {
					b.Fatal(err)
				}
				ledgers[i] = l
			}
			var took [2][]time.Duration
			var addingUp []time.Duration
			for round := 0; b.Loop(); round++ {
				for counted, l := range ledgers {
					opens, ends := closing(round, calls, counted == 1)
					if err := l.Commit(b.Context(), &opens); err != nil {
						b.Fatal(err)
					}
					spent := processorTime(b)
					if err := l.Commit(b.Context(), &ends); err != nil {
						b.Fatal(err)
					}
					spent = processorTime(b) - spent
					switch addsUp := (round+1)*calls/1024 > round*calls/1024; {
					case !addsUp:
						took[counted] = append(took[counted], spent)
					case counted == 1:
						addingUp = append(addingUp, spent)
					}
				}
			}
			without, with := median(took[0]), median(took[1])
			later := time.Duration(0) // what adding up costs, a commit
			if len(addingUp) > 0 {
				later = max(0, median(addingUp)-with) * time.Duration(calls) / 1024
			}
			b.ReportMetric(float64(with+later)/1000/float64(calls), "cpu-µs/call")
			b.ReportMetric(float64(later)/1000/float64(calls), "adding-up-µs/call")
			b.ReportMetric(100*float64(with+later-without)/float64(with+later), "%counts")
			for _, l := range ledgers {
				if err := l.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
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

// median is 1 ns of nothing, so that a benchmark of one round has a figure.
func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	if len(all) == 0 {
		return 1
	}
	return all[len(all)/2]
}
