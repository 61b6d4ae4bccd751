package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/aritest"
	"github.com/risposta/gateway/integration/faultfs"
)

// fault is one row of the table: what happens to a run while calls arrive and end.
type fault struct {
	name string
	runs int // in the full table; -quick does each once
	play func(s *testRun, run int) error
}

// The traffic of a run.
const (
	callsPerRun = 8
	callGap     = 120 * time.Millisecond
)

// during lets the traffic run for a random time before the fault.
func (s *testRun) during(least, most time.Duration) {
	// the random instant is what is tested
	time.Sleep(least + time.Duration(s.rnd.Int64N(int64(most-least))))
}

var variants = map[faultfs.When]string{faultfs.Before: "not persisted",
	faultfs.After: "persisted, reported failed"}

// faults lists the rows of the table.
func faults() (all []fault) {
	both := func(name string, runs int, play func(s *testRun, run int, when faultfs.When) error) {
		for _, when := range []faultfs.When{faultfs.Before, faultfs.After} {
			all = append(all, fault{name + ", " + variants[when], runs,
				func(s *testRun, run int) error { return play(s, run, when) }})
		}
	}
	all = append(all, fault{"none", 3, func(*testRun, int) error { return nil }})
	all = append(all, fault{"kill -9 at random", 1000, func(s *testRun, _ int) error {
		s.during(0, 1500*time.Millisecond)
		return s.restart()
	}})
	both("kill -9 at the n-th commit", 60, killAtCommit)
	all = append(all, fault{"torn last page of the write-ahead log after kill -9", 20, tornPage})
	for _, long := range []time.Duration{time.Second, 30 * time.Second} {
		all = append(all, fault{fmt.Sprintf("SIGSTOP for %s", long), 1,
			func(s *testRun, _ int) error { return stopped(s, long) }})
	}
	both("disk full for 1 s", 5, diskFault(faultfs.Fault{Write: true, Errno: syscall.ENOSPC}))
	both("read-only disk for 1 s", 5, diskFault(faultfs.Fault{Write: true, Errno: syscall.EROFS}))
	both("fsync error for 1 s", 5, diskFault(faultfs.Fault{Sync: true, Errno: syscall.EIO}))
	both("stalled disk for 2 s", 5, stalled)
	for _, reset := range []bool{false, true} {
		how := map[bool]string{false: "end", true: "reset"}[reset]
		all = append(all, fault{"socket cut at any byte, by " + how, 30,
			func(s *testRun, _ int) error {
				s.proxy.degrade(0, 1+s.rnd.IntN(20000), reset)
				s.during(1200*time.Millisecond, 1600*time.Millisecond)
				s.proxy.degrade(0, 0, false)
				return nil
			}})
	}
	const slow = "slow network, 0 to 400 ms a kilobyte"
	all = append(all, fault{slow, 3, func(s *testRun, _ int) error {
		s.proxy.degrade(200*time.Millisecond, 0, false)
		s.during(2*time.Second, 3*time.Second)
		s.proxy.degrade(0, 0, false)
		return nil
	}})
	for _, step := range []time.Duration{time.Hour, -time.Hour} {
		all = append(all, fault{fmt.Sprintf("the PBX's wall clock stepped by %s", step), 5,
			func(s *testRun, _ int) error {
				s.during(800*time.Millisecond, 1200*time.Millisecond)
				s.pbx.SetClock(step)
				return nil
			}})
	}
	all = append(all,
		fault{"a second client steals the application for 1 s", 5, stolen},
		fault{"unknown events", 5, garbage(`{"type":"ChannelTeleported",` +
			`"timestamp":"2026-11-23T09:46:18.000+0000","channel":{"id":"x"}}`)},
		fault{"malformed events", 5, garbage(`{"type":"ChannelHold","timestamp":`)},
	)
	return all
}

// killAtCommit kills the gateway at the n-th fsync after the start of the traffic, n being the
// number of the run.
func killAtCommit(s *testRun, run int, when faultfs.When) error {
	reached := make(chan struct{})
	s.disk.Break(faultfs.Fault{When: when, Nth: run + 1, OnSync: func() {
		_ = s.gw.Signal(syscall.SIGKILL) // already ended is fine
		close(reached)
	}})
	select {
	case <-reached:
	case <-time.After(3 * time.Second): // the run had fewer commits
	}
	s.disk.Heal()
	return s.restart()
}

// tornPage cuts the write-ahead log in the middle of its last page after a crash.
func tornPage(s *testRun, _ int) error {
	s.during(300*time.Millisecond, 1500*time.Millisecond)
	if err := s.gw.Kill(s.ctx); err != nil {
		return err
	}
	wal := filepath.Join(s.dir, "platter", "ledger.db-wal")
	info, err := os.Stat(wal)
	if err != nil {
		return err
	}
	if info.Size() > 4096 {
		if err := os.Truncate(wal, info.Size()-int64(1+s.rnd.IntN(4000))); err != nil {
			return err
		}
	}
	return s.start()
}

func stopped(s *testRun, long time.Duration) error {
	s.during(500*time.Millisecond, time.Second)
	if err := s.gw.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	time.Sleep(long) // the pause is the fault
	return s.gw.Signal(syscall.SIGCONT)
}

func diskFault(f faultfs.Fault) func(*testRun, int, faultfs.When) error {
	return func(s *testRun, _ int, when faultfs.When) error {
		f.When = when
		s.during(300*time.Millisecond, 900*time.Millisecond)
		s.disk.Break(f)
		time.Sleep(time.Second) // the pause is the fault
		s.disk.Heal()
		return s.wantHits()
	}
}

func stalled(s *testRun, _ int, when faultfs.When) error {
	s.during(300*time.Millisecond, 900*time.Millisecond)
	release := make(chan struct{})
	s.disk.Break(faultfs.Fault{Write: true, Sync: true, When: when, Stall: release})
	time.Sleep(2 * time.Second) // the pause is the fault
	s.disk.Heal()
	close(release)
	return s.wantHits()
}

// wantHits fails if no operation met the fault: such a run proves nothing.
func (s *testRun) wantHits() error {
	if s.disk.Hits() == 0 {
		return errors.New("no operation met the fault")
	}
	return nil
}

func stolen(s *testRun, _ int) error {
	s.during(500*time.Millisecond, time.Second)
	replaced := ari.Event{Kind: ari.ApplicationReplaced, At: s.pbx.Now(), Node: aritest.Node}
	if err := s.pbx.Send(aritest.Frame(replaced)); err != nil {
		return err
	}
	s.pbx.NameTaken(true)
	time.Sleep(time.Second) // the pause is the fault
	s.pbx.NameTaken(false)
	return nil
}

func garbage(frame string) func(*testRun, int) error {
	return func(s *testRun, _ int) error {
		for range 50 {
			s.during(10*time.Millisecond, 30*time.Millisecond)
			if err := s.pbx.Send([]byte(frame)); err != nil {
				return err
			}
		}
		return nil
	}
}
