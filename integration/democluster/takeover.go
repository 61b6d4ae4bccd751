package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"time"

	"github.com/risposta/gateway/integration/lab"
)

// event is a line of a meter's log.
type event struct {
	meter    string
	Event    string
	PBX      string
	Node     string
	Operator string
	Calls    int
	Service  string
}

// follow reads the log of a meter until its container ends.
func (d *demonstration) follow(ctx context.Context, meter string) error {
	cmd := exec.CommandContext(ctx, "docker", "logs", "--follow", d.meters[meter])
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return fmt.Errorf("reading the log of %s: %w", meter, err)
	}
	d.followers = append(d.followers, cmd)
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			e := event{meter: meter}
			if json.Unmarshal(lines.Bytes(), &e) != nil {
				continue // not a line of the log
			}
			select {
			case d.events <- e:
			case <-ctx.Done():
				return
			}
		}
	}()
	return nil
}

// next waits for an event that is wanted, and prints what comes before it.
func (d *demonstration) next(
	ctx context.Context, what string, wanted func(event) bool,
) (event, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		select {
		case e := <-d.events:
			d.print(e)
			if wanted(e) {
				return e, nil
			}
		case <-ctx.Done():
			return event{}, fmt.Errorf("waiting for %s: %w", what, ctx.Err())
		}
	}
}

func (d *demonstration) print(e event) {
	pbx := d.names[e.PBX]
	switch e.Event {
	case "node.taken":
		d.progress("  %s takes %s", e.meter, pbx)
	case "node.released":
		d.progress("  %s gives %s to the other meter", e.meter, pbx)
	case "calls.resumed":
		d.progress("  %s goes on with %d open call(s) of %s, with no gap", e.meter, e.Calls, pbx)
	case "talk.started":
		d.progress("  %s: %s and the caller talk on %s: the meter runs", e.meter, e.Operator, pbx)
	case "record.written":
		d.progress("  %s writes the record of %s", e.meter, e.Service)
	case "calls.not_resumed", "gap.started", "node.lost", "node.failed", "node.not_taken":
		d.progress("  %s: %s %s", e.meter, e.Event, pbx)
	}
}

// untilShared waits until each meter sees one of the PBXs.
func (d *demonstration) untilShared(ctx context.Context) error {
	has := map[string]map[string]bool{"meter1": {}, "meter2": {}}
	_, err := d.next(ctx, "each meter to have a PBX", func(e event) bool {
		switch e.Event {
		case "pbx.synced":
			has[e.meter][e.PBX] = true
		case "node.released", "node.lost":
			delete(has[e.meter], e.PBX)
		}
		return len(has["meter1"]) == 1 && len(has["meter2"]) == 1
	})
	return err
}

// talkBefore is how long both callers have talked when a meter is killed.
const talkBefore = 2 * time.Second

// play makes a call on each PBX, and kills the meter of the first.
func (d *demonstration) play(ctx context.Context) error {
	d.progress("a caller dials 1001 on pbx1, another 1007 on pbx2")
	var callers []*lab.Party
	for i, number := range []string{"1001", "1007"} {
		port, err := lab.FreePort("udp")
		if err != nil {
			return err
		}
		caller, err := lab.StartParty(d.dir, lab.Plan{
			Port: port, Server: d.pbxs[i].SIPPort, Number: number, Caller: callerOf(i),
			Script: lab.Calls().Pause(callLasts).Bye(),
		})
		if err != nil {
			return err
		}
		d.parties = append(d.parties, caller)
		callers = append(callers, caller)
	}
	meterOf := map[string]string{} // by node
	_, err := d.next(ctx, "both callers to talk", func(e event) bool {
		if e.Event == "talk.started" {
			meterOf[e.PBX] = e.meter
		}
		return len(meterOf) == len(callers)
	})
	if err != nil {
		return err
	}
	time.Sleep(talkBefore)
	if err := d.kill(ctx, meterOf[firstNode]); err != nil {
		return err
	}
	for _, c := range callers {
		if err := c.Wait(ctx); err != nil {
			return err
		}
	}
	d.progress("both callers hang up")
	written := 0
	_, err = d.next(ctx, "the records", func(e event) bool {
		if e.Event == "record.written" {
			written++
		}
		return written == len(callers)
	})
	return err
}

// callLasts is from the operator's answer to the hang-up: a takeover fits in, also on a busy machine.
const callLasts = 12 * time.Second

// kill ends a meter as a crash would, and waits until the other has its calls.
func (d *demonstration) kill(ctx context.Context, meter string) error {
	d.progress("%s is killed, in the middle of the talk on pbx1", meter)
	killed := time.Now()
	out, err := exec.CommandContext(ctx, "docker", "kill", d.meters[meter]).CombinedOutput()
	if err != nil {
		return fmt.Errorf("docker kill: %w: %s", err, out)
	}
	delete(d.meters, meter)
	e, err := d.next(ctx, "the takeover", func(e event) bool {
		return e.meter != meter && e.PBX == firstNode &&
			(e.Event == "calls.resumed" || e.Event == "calls.not_resumed")
	})
	if err != nil {
		return err
	}
	if e.Event != "calls.resumed" {
		return errors.New("the other meter began with a gap")
	}
	d.progress("the takeover took %.1f s; the callers noticed nothing", time.Since(killed).Seconds())
	return nil
}
