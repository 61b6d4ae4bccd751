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

// demonstration is the running demonstration.
type demonstration struct {
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

// serviceName is the service's, in the records.
const serviceName = "assistance"

// progress prints a line with the seconds since the start.
func (d *demonstration) progress(format string, args ...any) {
	fmt.Printf("%5.1f s  %s\n", time.Since(d.began).Seconds(), fmt.Sprintf(format, args...))
}

// start starts Asterisk, the gateway and the operators' phones.
func (d *demonstration) start(ctx context.Context) (err error) {
	d.progress("starting Asterisk in Docker")
	file := filepath.Join("deploy", "asterisk", "compose.yaml")
	if d.pbx, err = lab.ComposeAsterisk(ctx, file); err != nil {
		return err
	}
	d.progress("starting the gateway beside it")
	d.gateway, err = lab.StartOneService(
		ctx, d.binary, d.dir, d.pbx.URL(), serviceName, "PJSIP/agent*")
	if err != nil {
		return err
	}
	d.progress("two operators log in: Anna in queue support, Bruno in queue sales")
	anna, err := lab.StartOperator(ctx, d.dir, lab.Plan{
		Port: annaPort, Server: d.pbx.SIPPort,
		Script: lab.Called(2 * time.Second).Pause(2 * time.Second).Hold().Pause(2 * time.Second).
			Unhold().Pause(1500 * time.Millisecond).Refer("1007"),
	})
	if err != nil {
		return err
	}
	d.parties = append(d.parties, anna)
	bruno, err := lab.StartOperator(ctx, d.dir, lab.Plan{Port: brunoPort, Server: d.pbx.SIPPort,
		Script: lab.Called(2 * time.Second).WaitBye()})
	if err != nil {
		return err
	}
	d.parties = append(d.parties, bruno)
	return nil
}

// play makes the call and returns its record.
func (d *demonstration) play(ctx context.Context) (lab.Record, error) {
	d.progress("a caller dials 1001")
	caller, err := lab.StartParty(d.dir, lab.Plan{
		Port: carrierPort, Server: d.pbx.SIPPort, Number: "1001", Caller: "+390612345678",
		Script: lab.Calls().Pause(12 * time.Second).Bye(),
	})
	if err != nil {
		return lab.Record{}, err
	}
	d.parties = append(d.parties, caller)
	ended := make(chan error, 1)
	go func() { ended <- caller.Wait(ctx) }()
	log := &logReader{demo: d}
	if err := d.follow(log, ended); err != nil {
		return lab.Record{}, err
	}
	var records []lab.Record
	err = lab.Until(ctx, 5*time.Second, "the record", func() (err error) {
		if records, err = d.gateway.Records(ctx, serviceName); err == nil && len(records) != 1 {
			err = fmt.Errorf("there are %d", len(records))
		}
		return err
	})
	if err != nil {
		return lab.Record{}, fmt.Errorf("%w; the gateway's log:\n%s", err, d.gateway.Log())
	}
	log.report(d.gateway.Log()) // the end of the call is logged after the caller's phone has ended
	return records[0], nil
}

// follow prints what the gateway logs about the call until the caller's phone has ended.
func (d *demonstration) follow(log *logReader, ended <-chan error) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			log.report(d.gateway.Log())
			return err
		case <-tick.C:
			log.report(d.gateway.Log())
		}
	}
}

// stop ends everything that was started.
func (d *demonstration) stop(ctx context.Context) {
	var errs []error
	for _, p := range d.parties {
		p.Stop()
	}
	if d.gateway != nil {
		_, err := d.gateway.Terminate(ctx)
		errs = append(errs, err)
	}
	if d.pbx != nil {
		errs = append(errs, d.pbx.Stop(ctx))
	}
	if err := errors.Join(errs...); err != nil {
		fmt.Fprintf(os.Stderr, "demo: stopping: %v\n", err)
	}
}

// explain runs `risposta explain` on the call.
func (d *demonstration) explain(ctx context.Context, call string) (string, error) {
	text, code, err := d.gateway.Command(ctx, "explain", call)
	var missing *exec.Error
	if err == nil && code != 0 || errors.As(err, &missing) {
		err = errors.Join(err, fmt.Errorf("risposta explain ended with %d: %s", code, text))
	}
	return text, err
}
