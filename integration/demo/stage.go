package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/risposta/gateway/integration/lab"
)

// stage is what the demonstration needs while it runs.
type stage struct {
	dir     string
	binary  string
	began   time.Time
	pbx     *lab.Asterisk
	gateway *lab.Gateway
	parties []*lab.Party
}

// The ports of deploy/asterisk/etc/pjsip.conf.
const (
	carrierPort = 5070
	annaPort    = 5071
	brunoPort   = 5072
)

const config = `
pbx:
  - {name: demo, url: "{{ari}}", username: risposta}
operators: ["PJSIP/agent*"]
services:
  - {number: "1001", context: from-trunk, name: assistance, tariff: standard, did: "+390612345678"}
tariffs:
  - {name: standard, per_minute: "0.96", increment: 1s, currency: EUR}
law: {policy: it}
extensions: ["100?"]
callers: {country_code: "39"}
ledger: {file: "{{dir}}/ledger.db"}
admin: {listen: "{{admin}}"}
`

// say shows progress: seconds since the start, and what happens.
func (s *stage) say(format string, args ...any) {
	fmt.Printf("%5.1f s  %s\n", time.Since(s.began).Seconds(), fmt.Sprintf(format, args...))
}

func (s *stage) set(ctx context.Context) (err error) {
	s.say("starting Asterisk in Docker")
	if s.pbx, err = lab.ComposeAsterisk(ctx, filepath.Join("deploy", "asterisk", "compose.yaml")); err != nil {
		return err
	}
	s.say("starting the gateway beside it")
	if s.gateway, err = lab.NewGateway(s.binary, s.dir, s.pbx.URL(), config); err != nil {
		return err
	}
	if err := s.gateway.Start(); err != nil {
		return err
	}
	if err := s.gateway.WaitReady(ctx, 20*time.Second); err != nil {
		return err
	}
	s.say("two operators sit down: Anna in queue support, Bruno in queue sales")
	anna, err := lab.StartOperator(ctx, s.dir, lab.Plan{
		Port: annaPort, Server: s.pbx.SIPPort,
		Script: lab.Called(2 * time.Second).Pause(2 * time.Second).Hold().Pause(2 * time.Second).Unhold().Pause(1500 * time.Millisecond).Refer("1007"),
	})
	if err != nil {
		return err
	}
	s.parties = append(s.parties, anna)
	bruno, err := lab.StartOperator(ctx, s.dir, lab.Plan{Port: brunoPort, Server: s.pbx.SIPPort, Script: lab.Called(2 * time.Second).WaitBye()})
	if err != nil {
		return err
	}
	s.parties = append(s.parties, bruno)
	return nil
}

// play makes the call, and returns its record.
func (s *stage) play(ctx context.Context) (lab.Record, error) {
	s.say("a caller dials 1001")
	caller, err := lab.StartParty(s.dir, lab.Plan{
		Port: carrierPort, Server: s.pbx.SIPPort, Number: "1001", Caller: "+390612345678",
		Script: lab.Calls().Pause(12 * time.Second).Bye(),
	})
	if err != nil {
		return lab.Record{}, err
	}
	s.parties = append(s.parties, caller)
	ended := make(chan error, 1)
	go func() { ended <- caller.Wait(ctx) }()
	if err := s.follow(ended); err != nil {
		return lab.Record{}, err
	}
	var records []lab.Record
	err = lab.Until(ctx, 5*time.Second, "the record", func() (err error) {
		if records, err = s.gateway.Records(ctx, "assistance"); err == nil && len(records) != 1 {
			err = fmt.Errorf("there are %d", len(records))
		}
		return err
	})
	if err != nil {
		return lab.Record{}, fmt.Errorf("%w; the gateway's log:\n%s", err, s.gateway.Log())
	}
	return records[0], nil
}

// follow prints what the gateway logs about the call until the caller's program has ended.
func (s *stage) follow(ended <-chan error) error {
	told := newTeller(s)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			told.tell(s.gateway.Log())
			return err
		case <-tick.C:
			told.tell(s.gateway.Log())
		}
	}
}

// clear ends everything that was started.
func (s *stage) clear(ctx context.Context) {
	var errs []error
	for _, p := range s.parties {
		p.Stop()
	}
	if s.gateway != nil {
		_, err := s.gateway.Terminate(ctx)
		errs = append(errs, err)
	}
	if s.pbx != nil {
		errs = append(errs, s.pbx.Stop(ctx))
	}
	if err := errors.Join(errs...); err != nil {
		fmt.Fprintf(os.Stderr, "demo: clearing up: %v\n", err)
	}
}

// explain runs `gateway explain` on the call.
func (s *stage) explain(ctx context.Context, call string) (string, error) {
	text, code, err := s.gateway.Command(ctx, "explain", call)
	var missing *exec.Error
	if err == nil && code != 0 || errors.As(err, &missing) {
		err = errors.Join(err, fmt.Errorf("gateway explain ended with %d: %s", code, text))
	}
	return text, err
}
