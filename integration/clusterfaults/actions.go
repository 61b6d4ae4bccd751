package main

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/risposta/gateway/integration/faultfs"
	"github.com/risposta/gateway/integration/lab"
)

// action does one thing to a cluster, and ends when it is whole again.
type action struct {
	name string
	do   func(*testRun) error
}

// kill ends a part, which starts again.
func kill(parts func(*testRun) []*lab.Part) func(*testRun) error {
	return func(s *testRun) error {
		all := parts(s)
		p := all[s.pick(len(all))]
		defer s.alone(p)()
		return p.Signal(syscall.SIGKILL)
	}
}

func taps(s *testRun) []*lab.Part   { return s.cluster.Taps }
func meters(s *testRun) []*lab.Part { return s.cluster.Meters }

// pause stops a part for a while. Whoever has stopped longer than its lease wakes up without.
func pause(parts func(*testRun) []*lab.Part, least, most time.Duration) func(*testRun) error {
	return func(s *testRun) error {
		all := parts(s)
		p := all[s.pick(len(all))]
		defer s.alone(p)()
		if err := p.Signal(syscall.SIGSTOP); err != nil {
			return err
		}
		s.wait(s.chance(least, most))
		return p.Signal(syscall.SIGCONT)
	}
}

// cut breaks the network at some links of the cluster, for a while.
func cut(links func(*testRun) []*lab.Link, silent bool, least, most time.Duration) func(*testRun) error {
	return func(s *testRun) error {
		all := links(s)
		for _, l := range all {
			defer s.alone(l)()
			if silent {
				l.Silence()
			} else {
				l.Reset()
			}
		}
		s.wait(s.chance(least, most))
		for _, l := range all {
			l.Heal()
		}
		return nil
	}
}

// cutMidCommit ends the connections of a meter to PostgreSQL at any byte, again and again.
func cutMidCommit(s *testRun) error {
	l := s.cluster.Meters[s.pick(len(s.cluster.Meters))].Postgres
	defer s.alone(l)()
	for range 4 {
		l.CutAfter(1 + s.pick(20000))
		s.wait(s.chance(500*time.Millisecond, time.Second))
	}
	l.Heal()
	return nil
}

// natsAway kills some servers of NATS and starts them again, without their folders where lost is set.
func natsAway(servers int, lost bool, least, most time.Duration) func(*testRun) error {
	return func(s *testRun) error {
		first := s.pick(len(s.cluster.NATS))
		var gone []*lab.NATS
		for i := range min(servers, len(s.cluster.NATS)) {
			n := s.cluster.NATS[(first+i)%len(s.cluster.NATS)]
			gone = append(gone, n)
		}
		defer s.alone("nats")()
		for _, n := range gone {
			n.Stop()
		}
		s.wait(s.chance(least, most))
		for _, n := range gone {
			if lost {
				if err := os.RemoveAll(n.Folder()); err != nil {
					return err
				}
			}
			if err := n.Start(s.ctx); err != nil {
				return err
			}
		}
		return nil
	}
}

// postgresRestarted crashes PostgreSQL, and starts it again.
func postgresRestarted(s *testRun) error {
	defer s.alone(s.cluster.Postgres)()
	s.cluster.Postgres.Kill()
	s.wait(s.chance(0, 3*time.Second))
	return s.cluster.Postgres.Start(s.ctx)
}

// postgresFull fills PostgreSQL's disk. It may crash of that, and is started again.
func postgresFull(s *testRun) error {
	defer s.alone(s.cluster.Postgres)()
	if err := s.pgDisk.fill(); err != nil {
		return err
	}
	s.wait(5 * time.Second)
	if err := s.pgDisk.empty(); err != nil || s.cluster.Postgres.Running() {
		return err
	}
	return s.cluster.Postgres.Start(s.ctx)
}

// tapFull fills the disk of a tap's journal.
func tapFull(s *testRun) error {
	disk := s.disks[s.pick(len(s.disks))]
	disk.Break(faultfs.Fault{Write: true, Errno: syscall.ENOSPC})
	s.wait(5 * time.Second)
	disk.Heal()
	if disk.Hits() == 0 {
		return errors.New("no operation met the full disk")
	}
	return nil
}

// tapLost kills a tap, and loses its journal.
func tapLost(s *testRun) error {
	p := s.cluster.Taps[s.pick(len(s.cluster.Taps))]
	defer s.alone(p)()
	if err := p.Kill(s.ctx); err != nil {
		return err
	}
	if err := os.RemoveAll(filepath.Join(p.Dir, "journal")); err != nil {
		return err
	}
	return p.Start()
}

// upgrade starts all parts anew, one behind the other, in good order.
func upgrade(s *testRun) error {
	for _, p := range s.cluster.Parts() {
		code, err := p.Terminate(s.ctx)
		if err == nil && code != 0 {
			err = errors.New(p.Name + " did not end with 0")
		}
		if err := errors.Join(err, p.Start()); err != nil {
			return err
		}
		if err := s.cluster.WaitMetered(s.ctx, s.distinct(), startTimeout); err != nil {
			return err
		}
	}
	return nil
}

// Links of the pairs that talk.

func pbxToTap(s *testRun) []*lab.Link {
	return []*lab.Link{s.cluster.Taps[s.pick(len(s.cluster.Taps))].PBX}
}

func tapToNATS(s *testRun) []*lab.Link {
	return s.cluster.Taps[s.pick(len(s.cluster.Taps))].NATS
}

func natsToMeter(s *testRun) []*lab.Link {
	return s.cluster.Meters[s.pick(len(s.cluster.Meters))].NATS
}

func meterToPostgres(s *testRun) []*lab.Link {
	return []*lab.Link{s.cluster.Meters[s.pick(len(s.cluster.Meters))].Postgres}
}
