package main

import (
	"context"

	"github.com/risposta/gateway/integration/lab"
)

// phones are the SIP programs of a run: two that answer for all operators, one that calls.
type phones struct {
	dir     string
	speak   bool
	ports   [2]int // of the operators' phones
	running []*lab.Party
}

// newPhones starts the operators' phones.
func newPhones(ctx context.Context, dir string, speak bool) (p *phones, err error) {
	p = &phones{dir: dir, speak: speak}
	for i := range p.ports {
		if p.ports[i], err = lab.FreePort("udp"); err != nil {
			p.stop()
			return nil, err
		}
		script := lab.Called(ringTime)
		if speak {
			script.Speaks()
		}
		script.Pause(talkTime)
		if i == 0 {
			script.Hold().Pause(holdTime).Unhold().Pause(talkTime)
		}
		phone, err := lab.StartOperator(ctx, dir, lab.Plan{
			Script: script.WaitBye(), Port: p.ports[i], Many: true,
		})
		if err != nil {
			p.stop()
			return nil, err
		}
		p.running = append(p.running, phone)
	}
	return p, nil
}

// call lets so many calls arrive, so many a second, and returns when all have ended.
func (p *phones) call(ctx context.Context, server, rate, calls int) error {
	port, err := lab.FreePort("udp")
	if err != nil {
		return err
	}
	script := lab.Calls()
	if p.speak {
		script.Speaks()
	}
	length := ringTime + holdTime + 2*talkTime + talkTime/2
	caller, err := lab.StartParty(p.dir, lab.Plan{
		Script: script.Pause(length).Bye(), Port: port, Server: server,
		Number: "1001", Caller: "+390612345678", Rate: rate, Calls: calls,
	})
	if err != nil {
		return err
	}
	p.running = append(p.running, caller)
	return caller.Wait(ctx)
}

func (p *phones) stop() {
	for _, phone := range p.running {
		phone.Stop()
	}
}
