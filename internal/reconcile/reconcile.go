// Package reconcile compares the records of a period with Asterisk's own logs, and proves from them what the gateway did not see.
//
// In: the CEL, the CDRs, the queue_log; the ledger to read. Out: a line for each call, and for those that can be bettered the evidence and the record that
// would supersede. It writes nothing: whoever asked decides. The CEL goes through the same pipeline as ARI's events; CDR and queue_log are shown
// beside it, for they cannot tell when anybody talked.
package reconcile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/cel"
	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
)

// Store is the side of the ledger that is compared.
type Store interface {
	Records(ctx context.Context, q ledger.Query, f func(json []byte) error) error
	Evidence(ctx context.Context, call metering.CallID) ([][]byte, error)
}

// Status is what became of one call's comparison.
type Status string

// The statuses.
const (
	Agrees   Status = "agrees"
	Differs  Status = "differs"   // both saw all of it, and talk differs
	Proved   Status = "proved"    // part of it was not seen, and the CEL proves it
	Unproved Status = "unproved"  // part of it was not seen, and the CEL does not prove it
	NoRecord Status = "no record" // only Asterisk knows of it
	NoCEL    Status = "no CEL"    // only we know of it
)

// Line is one call.
type Line struct {
	Call            metering.CallID
	Service         string
	Status          Status
	Why             string
	Ours            time.Duration // talk in the record
	Theirs          time.Duration // talk by the CEL
	CDR             time.Duration // what Asterisk's CDRs would bill
	Queue           int           // how often the queue_log connects it
	Better          *Better
	EncryptedCaller []byte // the caller's number as the CEL tells it, encrypted, should the better record have to be held; nil where it does not tell
}

// Better is what would supersede: frames to add to the call's evidence, records to add to the ledger.
type Better struct {
	Frames  [][]byte
	Records []metering.Record
}

// Input is what there is to compare.
type Input struct {
	CEL    io.Reader
	CDR    map[metering.CallID]time.Duration
	Queues map[metering.CallID]int
	Zone   *time.Location // Asterisk's
	Node   string         // its id, for calls that only it knows of
	Query  ledger.Query
}

// comparison is one run.
type comparison struct {
	Input
	store    Store
	rules    mediation.Rules
	mediator *mediation.Mediator
	records  map[metering.CallID]metering.Record
	first    time.Time // the CEL's period
	last     time.Time
	arrivals map[metering.CallID]metering.Fact
	ended    []*metering.Call
	frames   map[metering.CallID][][]byte
}

// Compare calls f with each call of the period: those of the CEL in the order of their ends, then those that it lacks.
func Compare(ctx context.Context, in Input, store Store, rules mediation.Rules, f func(Line) error) error {
	c := &comparison{
		Input: in, store: store, rules: rules, records: map[metering.CallID]metering.Record{},
		arrivals: map[metering.CallID]metering.Fact{}, frames: map[metering.CallID][][]byte{},
	}
	var order []metering.CallID
	err := store.Records(ctx, in.Query, func(text []byte) error {
		var r metering.Record
		if err := json.Unmarshal(text, &r); err != nil {
			return fmt.Errorf("a record of the ledger: %w", err)
		}
		if !r.DetailErased {
			c.records[r.Call] = r
			order = append(order, r.Call)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := c.readCEL(); err != nil {
		return err
	}
	there := map[metering.CallID]bool{}
	for _, call := range c.ended {
		there[call.ID] = true
		if !c.inPeriod(call.ArrivedAt) {
			continue
		}
		line, err := c.compare(ctx, call)
		if err != nil {
			return err
		}
		if err := f(line); err != nil {
			return err
		}
	}
	for _, id := range order {
		r := c.records[id]
		if there[id] || r.ArrivedAt.Before(c.first) || r.EndedAt.After(c.last) {
			continue
		}
		if err := f(c.line(r.Call, r.Service, NoCEL, millis(r.TalkMs), 0)); err != nil {
			return err
		}
	}
	return nil
}

func (c *comparison) inPeriod(at time.Time) bool {
	return (c.Query.Since.IsZero() || !at.Before(c.Query.Since)) && (c.Query.Until.IsZero() || at.Before(c.Query.Until))
}

// readCEL runs the CEL through a pipeline of its own, in which calls are those that we know of, and those that come in on a metered service.
func (c *comparison) readCEL() error {
	rules := c.rules
	rules.AskExemption = false
	rules.Service = func(ch ari.Channel) (string, bool) {
		if r, ok := c.records[metering.CallID(ch.ID)]; ok {
			return r.Service, true
		}
		return c.rules.Service(ch)
	}
	c.mediator = mediation.New(rules)
	return cel.Read(c.CEL, c.Zone, c.Node, func(ev ari.Event) error {
		if c.first.IsZero() {
			c.first = ev.At
		}
		c.last = ev.At
		var out mediation.Output
		c.mediator.Step(ev, &out)
		for _, f := range out.Facts {
			if f.Kind == metering.CallArrived {
				f.Number = ev.Channel.Caller
				c.arrivals[f.Call] = f
			}
		}
		for _, e := range out.Evidence {
			c.frames[e.Call] = append(c.frames[e.Call], e.Frame)
		}
		c.ended = append(c.ended, out.Calls...)
		return nil
	})
}

func (c *comparison) line(call metering.CallID, service string, status Status, ours, theirs time.Duration) Line {
	return Line{Call: call, Service: service, Status: status, Ours: ours, Theirs: theirs, CDR: c.CDR[call], Queue: c.Queues[call]}
}

func (c *comparison) compare(ctx context.Context, call *metering.Call) (Line, error) {
	r, ok := c.records[call.ID]
	theirs := call.TalkTime()
	if !ok {
		return c.missed(call, theirs), nil
	}
	line := c.line(call.ID, r.Service, Agrees, millis(r.TalkMs), theirs)
	if r.UnseenMs == 0 && !endUnseen(r) {
		if slack := mediation.Tolerance * time.Duration(2*max(1, len(r.Talk))); (line.Ours - theirs).Abs() > slack {
			line.Status = Differs
		}
		return line, nil
	}
	frames, err := c.store.Evidence(ctx, call.ID)
	if err != nil {
		return line, err
	}
	return c.better(line, frames, r.Version, call)
}

func endUnseen(r metering.Record) bool {
	for _, why := range r.Reasons {
		if why == metering.ReasonEndUnseen {
			return true
		}
	}
	return false
}

// better tries to prove what was not seen.
func (c *comparison) better(line Line, frames [][]byte, version int, call *metering.Call) (Line, error) {
	proof := mediation.ReconciledFrame(call.ID, call.EndedAt, c.frames[call.ID])
	_, out, err := mediation.Replay(append(frames[:len(frames):len(frames)], proof))
	switch {
	case errors.Is(err, mediation.ErrNoProof):
		line.Status, line.Why = Unproved, err.Error()
		return line, nil
	case err != nil:
		return line, fmt.Errorf("proving call %s: %w", call.ID, err)
	}
	line.Status = Proved
	if number := c.arrivals[call.ID].Number; c.rules.Encrypt != nil {
		line.EncryptedCaller = c.rules.Encrypt(c.mediator.Normal(number))
	}
	line.Better = &Better{Frames: [][]byte{proof}, Records: out.Records[version:]}
	return line, nil
}

// missed is a call that only Asterisk knows of: its record begins as one of which nothing was seen.
func (c *comparison) missed(call *metering.Call, theirs time.Duration) Line {
	line := c.line(call.ID, call.Service, NoRecord, 0, theirs)
	frames := mediation.New(c.rules).Missed(c.arrivals[call.ID], call.EndedAt)
	bettered, err := c.better(line, frames, 0, call)
	if err == nil && bettered.Better != nil {
		bettered.Better.Frames = append(frames, bettered.Better.Frames...)
		line.Better, line.EncryptedCaller = bettered.Better, bettered.EncryptedCaller
		return line
	}
	_, out, err := mediation.Replay(frames)
	if err != nil || len(out.Records) != 1 {
		panic(fmt.Sprintf("reconcile: evidence of our own making for call %s gives no record: %v", call.ID, err))
	}
	line.Why = bettered.Why
	line.Better = &Better{Frames: frames, Records: out.Records}
	return line
}

func millis(ms int64) time.Duration { return time.Duration(ms) * time.Millisecond }
