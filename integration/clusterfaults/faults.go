package main

import (
	"fmt"
	"time"

	"github.com/risposta/gateway/integration/lab"
)

// fault is one row of the table: what happens to a cluster while calls arrive and end.
type fault struct {
	name  string
	runs  int // in the full table; -quick does each once
	shape shape
	play  func(s *testRun) error
}

// lead is the traffic before a fault, and behind it.
const (
	leadLeast = time.Second
	leadMost  = 3 * time.Second
)

// once plays one action in the middle of the traffic.
func once(do func(*testRun) error) func(*testRun) error { return often(1, do) }

// often plays an action so many times.
func often(n int, do func(*testRun) error) func(*testRun) error {
	return func(s *testRun) error {
		for range n {
			s.wait(s.chance(leadLeast, leadMost))
			if err := do(s); err != nil {
				return err
			}
		}
		s.wait(s.chance(leadLeast, leadMost))
		return nil
	}
}

// cutTime is how long a cut lasts: longer than a lease.
const cutTime = 5 * time.Second

// faults lists the rows of the table.
func faults(quick bool) (all []fault) {
	away, kills := 2*time.Minute, 8
	if quick {
		away, kills = 10*time.Second, 3
	}
	all = []fault{
		{"none", 2, plain, once(func(*testRun) error { return nil })},
		{"a meter killed every few seconds", 2, plain, often(kills, kill(meters))},
		{"a meter stopped past its lease, and woken", 5, plain,
			once(pause(meters, 4*time.Second, 8*time.Second))},
		{"a tap killed", 5, plain, once(kill(taps))},
		{"a tap stopped for 1 to 8 s", 3, plain, once(pause(taps, time.Second, 8*time.Second))},
		{"a tap's journal lost", 3, plain, once(tapLost)},
		{"a tap's disk full for 5 s", 3, fullDisks, once(tapFull)},
		{"one of three servers of NATS lost", 3, replicated,
			once(natsAway(1, true, time.Second, 5*time.Second))},
		{fmt.Sprintf("all of NATS away for %s", away), 1, plain, once(natsAway(3, false, away, away+1))},
		{"the stream's folder lost", 3, plain, once(natsAway(3, true, 0, time.Second))},
		{"PostgreSQL killed", 5, plain, once(postgresRestarted)},
		{"PostgreSQL's disk full for 5 s", 3, fullDisks, once(postgresFull)},
		{"PostgreSQL's connection cut at any byte", 10, plain, once(cutMidCommit)},
	}
	for _, pair := range []struct {
		name  string
		links func(*testRun) []*lab.Link
	}{
		{"PBX and tap", pbxToTap}, {"tap and NATS", tapToNATS}, {"NATS and meter", natsToMeter},
		{"meter and PostgreSQL", meterToPostgres},
	} {
		for _, silent := range []bool{false, true} {
			how := map[bool]string{false: "reset", true: "silent"}[silent]
			all = append(all, fault{
				fmt.Sprintf("%s cut for %s, %s", pair.name, cutTime, how), 2, plain,
				once(cut(pair.links, silent, cutTime, cutTime+1)),
			})
		}
	}
	return append(all,
		fault{"every message twice", 2, plain, everythingTwice},
		fault{"two PBXs with one entity id", 2, sameNode, once(func(*testRun) error { return nil })},
		fault{"clocks of PBXs, taps and meters apart by up to 11 minutes", 2, clocksApart,
			often(2, kill(meters))},
		fault{"all parts restarted one by one", 2, plain, once(upgrade)},
	)
}

func everythingTwice(s *testRun) error {
	stop, err := s.repeat()
	if err != nil {
		return err
	}
	err = often(2, kill(meters))(s)
	stop()
	return err
}
