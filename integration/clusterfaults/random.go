package main

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// faultsPerRun is how many faults a random run has, at random instants: they may overlap.
const faultsPerRun = 3

// trafficTime is how long calls arrive in a random run, at least.
const trafficTime = 6 * time.Second

// actions are those that a random run draws from.
func actions() []action {
	const short, long = 300 * time.Millisecond, 6 * time.Second
	return []action{
		{"meter killed", kill(meters)}, {"meter killed", kill(meters)},
		{"meter stopped", pause(meters, short, 2*long)},
		{"tap killed", kill(taps)}, {"tap stopped", pause(taps, short, long)},
		{"tap's journal lost", tapLost},
		{"a NATS server away", natsAway(1, false, short, long)},
		{"a NATS server's folder lost", natsAway(1, true, 0, time.Second)},
		{"PostgreSQL killed", postgresRestarted},
		{"PostgreSQL cut at any byte", cutMidCommit},
		{"PBX-tap reset", cut(pbxToTap, false, short, long)},
		{"PBX-tap silent", cut(pbxToTap, true, short, long)},
		{"tap-NATS reset", cut(tapToNATS, false, short, long)},
		{"tap-NATS silent", cut(tapToNATS, true, short, long)},
		{"NATS-meter reset", cut(natsToMeter, false, short, long)},
		{"NATS-meter silent", cut(natsToMeter, true, short, long)},
		{"meter-PostgreSQL reset", cut(meterToPostgres, false, short, long)},
		{"meter-PostgreSQL silent", cut(meterToPostgres, true, short, long)},
		{"messages twice", twiceForAWhile},
	}
}

func twiceForAWhile(s *testRun) error {
	stop, err := s.repeat()
	if err != nil {
		return nil //nolint:nilerr // another fault has NATS away
	}
	s.wait(s.chance(time.Second, trafficTime))
	stop()
	return nil
}

// randomShape is that of a run: every fifth has three servers of NATS.
func randomShape(run int) shape {
	if run%5 == 4 {
		return replicated
	}
	return plain
}

// playRandom draws faults, plays them, and names them.
func playRandom(s *testRun) (names string, err error) {
	all := actions()
	var drawn []string
	var played sync.WaitGroup
	failed := make([]error, faultsPerRun)
	for i := range faultsPerRun {
		a, at := all[s.pick(len(all))], s.chance(0, trafficTime)
		drawn = append(drawn, fmt.Sprintf("%s at %s", a.name, at.Round(time.Millisecond)))
		played.Go(func() {
			s.wait(at)
			failed[i] = a.do(s)
		})
	}
	s.wait(trafficTime)
	played.Wait()
	s.wait(time.Second) // calls that nothing happens to
	return strings.Join(drawn, ", "), errors.Join(failed...)
}
