package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/risposta/gateway/integration/lab"
)

// operators is the number of endpoints that serve the queue: one member takes one call at a time.
const operators = 100

// The times of one call.
const (
	ringTime = 300 * time.Millisecond
	holdTime = 800 * time.Millisecond
	talkTime = 2 * time.Second // before a hold, and after it
)

// The service's name in the records, and its operators.
const (
	serviceName   = "load"
	operatorsGlob = "PJSIP/op*"
)

// result is what one run came to.
type result struct {
	calls, records             int
	lost, doubled, overcharged int
	worst                      time.Duration // greatest difference of a record's talk from the CEL's
	asterisk, gateway          time.Duration // CPU
}

// run starts an Asterisk, a gateway beside it where metered, and lets calls arrive.
func run(ctx context.Context, o options, dir string, metered bool) (res result, err error) {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return res, err
	}
	phones, err := newPhones(ctx, dir, o.speak)
	if err != nil {
		return res, err
	}
	defer phones.stop()
	pbx, err := lab.StartAsterisk(ctx, dir+"/etc", overlay(phones))
	if err != nil {
		return res, err
	}
	defer func() { err = errors.Join(err, pbx.Stop(context.WithoutCancel(ctx))) }()
	length := o.unmetered
	var gw *lab.Gateway
	if metered {
		length = o.length
		gw, err = lab.StartOneService(ctx, o.binary, dir, pbx.URL(), serviceName, operatorsGlob)
		if err != nil {
			return res, err
		}
		defer func() {
			_, terr := gw.Terminate(context.WithoutCancel(ctx))
			err = errors.Join(err, terr)
		}()
	}
	before, err := usage(ctx, pbx, gw)
	if err != nil {
		return res, err
	}
	res.calls = o.rate * int(length/time.Second)
	if err := phones.call(ctx, pbx.SIPPort, o.rate, res.calls); err != nil {
		return res, err
	}
	after, err := usage(ctx, pbx, gw)
	if err != nil {
		return res, err
	}
	res.asterisk, res.gateway = after.asterisk-before.asterisk, after.gateway-before.gateway
	if !metered {
		return res, nil
	}
	return res, judgeAll(ctx, pbx, gw, &res)
}

// overlay adds the operators and their queue to the delivered configuration. Even ones answer at
// the phone that holds, odd ones at the phone that does not.
func overlay(p *phones) map[string]string {
	var pjsip, queue strings.Builder
	queue.WriteString("[load]\nstrategy = rrmemory\ntimeout = 15\nretry = 1\nautofill = yes\n" +
		"ringinuse = no\n")
	for i := range operators {
		fmt.Fprintf(&pjsip, "[op%[1]d](operator)\naors = op%[1]d\n"+
			"[op%[1]d]\ntype = aor\ncontact = sip:op%[1]d@127.0.0.1:%[2]d\n", i, p.ports[i%len(p.ports)])
		fmt.Fprintf(&queue, "member => PJSIP/op%d\n", i)
	}
	return map[string]string{
		"pjsip.d/load.conf":  pjsip.String(),
		"queues.d/load.conf": queue.String(),
		"extensions.conf": "[general]\nstatic = yes\n[from-trunk]\nexten => 1001,1,Progress()\n" +
			" same => n,Queue(load,,,,120)\n same => n,Hangup()\n[agents]\nexten => s,1,Hangup()\n",
	}
}
