// Package reconcile compares the records of a period with Asterisk's own logs, and fills in from
// the CEL what the gateway did not see.
//
// In: the CEL, the CDRs, the queue_log, and a [Store] to read. Out: a [Line] for each call, with
// the evidence and the records that would supersede, where there are any. It writes nothing: the
// caller of [Compare] decides. The CEL goes through the same [mediation.Mediator] as ARI's events.
// CDR and queue_log are shown beside it, because they do not tell when operator and caller talked.
package reconcile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/cel"
	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/evidence"
	"github.com/risposta/gateway/metering/ledger"
)

// Store is what a comparison reads of the ledger.
type Store interface {
	Records(ctx context.Context, q ledger.Query, f func(json []byte) error) error
	Evidence(ctx context.Context, call metering.CallID) ([][]byte, error)
}

// Status is the result of comparing one call.
type Status string

// The statuses.
const (
	Agrees       Status = "agrees"
	Differs      Status = "differs"      // the gateway saw the whole call, and talk differs
	Reconciled   Status = "reconciled"   // the CEL fills in what the gateway did not see
	Unreconciled Status = "unreconciled" // the CEL cannot fill in what the gateway did not see
	NoRecord     Status = "no record"    // the call is in the CEL alone
	NoCEL        Status = "no CEL"       // the call is in the ledger alone
)

// Line is one call.
type Line struct {
	Call            metering.CallID
	Service         string
	Status          Status
	Why             string        // the call is unreconciled
	Recorded        time.Duration // talk in the record
	CEL             time.Duration // talk by the CEL
	CDR             time.Duration // what Asterisk's CDRs would bill
	Queue           int           // how often the queue_log connects it
	Better          *Better       // nil: nothing would supersede
	EncryptedCaller []byte        // the number in the CEL, for a pending record; nil: none there
}

// Better would supersede: frames to add to the call's evidence, records to add to the ledger.
type Better struct {
	Frames  [][]byte
	Records []metering.Record
}

// Input is what the ledger is compared with.
type Input struct {
	CEL    io.Reader                         // deploy/asterisk/etc/cel_custom.conf has its columns
	CDR    map[metering.CallID]time.Duration // from [ReadCDR]; nil: none
	Queues map[metering.CallID]int           // from [ReadQueueLog]; nil: none
	Zone   *time.Location                    // in which Asterisk writes the CEL
	Node   string                            // Asterisk's entityid, for calls without a record
	Query  ledger.Query                      // the period
}

// comparison is one run.
type comparison struct {
	Input
	store    Store
	rules    mediation.Rules
	mediator *mediation.Mediator
	records  map[metering.CallID]metering.Record
	arrivals map[metering.CallID]metering.Fact // by the CEL, as all below
	ended    []*metering.Call
	frames   map[metering.CallID][][]byte

	first, last time.Time // event of the CEL
}

// Compare calls f with each call of the period: first those of the CEL in the order of their ends,
// then those that are in the ledger alone. Calls whose detail is erased are left out. An error of f
// ends it.
func Compare(
	ctx context.Context, in Input, store Store, rules mediation.Rules, f func(Line) error,
) error {
	c := &comparison{
		Input: in, store: store, rules: rules,
		records:  map[metering.CallID]metering.Record{},
		arrivals: map[metering.CallID]metering.Fact{},
		frames:   map[metering.CallID][][]byte{},
	}
	var order []metering.CallID
	err := store.Records(ctx, in.Query, func(text []byte) error {
		var r metering.Record
		if err := json.Unmarshal(text, &r); err != nil {
			return fmt.Errorf("reading a record of the ledger: %w", err)
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
	inCEL := map[metering.CallID]bool{}
	for _, call := range c.ended {
		inCEL[call.ID] = true
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
		if inCEL[id] || r.ArrivedAt.Before(c.first) || r.EndedAt.After(c.last) {
			continue
		}
		if err := f(c.line(r.Call, r.Service, NoCEL, millis(r.TalkMs), 0)); err != nil {
			return err
		}
	}
	return nil
}

func (c *comparison) inPeriod(at time.Time) bool {
	since, until := c.Query.Since, c.Query.Until
	return (since.IsZero() || !at.Before(since)) && (until.IsZero() || at.Before(until))
}

// readCEL runs the CEL through a mediator of its own, which meters the calls of the ledger and
// those that come in on a metered service.
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
				f.Number, f.Endpoint = ev.Channel.Caller, ev.Channel.Endpoint()
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

func (c *comparison) line(
	call metering.CallID, service string, status Status, recorded, byCEL time.Duration,
) Line {
	return Line{
		Call: call, Service: service, Status: status, Recorded: recorded, CEL: byCEL,
		CDR: c.CDR[call], Queue: c.Queues[call],
	}
}

func (c *comparison) compare(ctx context.Context, call *metering.Call) (Line, error) {
	r, ok := c.records[call.ID]
	byCEL := call.TalkTime()
	if !ok {
		return c.unrecorded(call, byCEL), nil
	}
	line := c.line(call.ID, r.Service, Agrees, millis(r.TalkMs), byCEL)
	if r.UnseenMs == 0 && !endUnseen(r) {
		tolerance := mediation.Tolerance * time.Duration(2*max(1, len(r.Talk)))
		if (line.Recorded - byCEL).Abs() > tolerance {
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
	return slices.Contains(r.Reasons, metering.ReasonEndUnseen)
}

// better fills in from the CEL what was not seen. frames are the call's evidence so far, version
// its newest record's.
func (c *comparison) better(
	line Line, frames [][]byte, version int, call *metering.Call,
) (Line, error) {
	reconciled := evidence.NewReconciled(call.ID, call.EndedAt, c.frames[call.ID])
	_, out, err := mediation.Replay(append(frames[:len(frames):len(frames)], reconciled))
	switch {
	case errors.Is(err, mediation.ErrNoProof):
		line.Status, line.Why = Unreconciled, err.Error()
		return line, nil
	case err != nil:
		return line, fmt.Errorf("reconciling call %s: %w", call.ID, err)
	}
	line.Status = Reconciled
	if arrival := c.arrivals[call.ID]; c.rules.Encrypt != nil {
		number, _ := c.mediator.ReadCaller(arrival.Endpoint, arrival.Number)
		line.EncryptedCaller = c.rules.Encrypt(number)
	}
	line.Better = &Better{Frames: [][]byte{reconciled}, Records: out.Records[version:]}
	return line, nil
}

// unrecorded is a call that is in the CEL alone. Its first record is that of a call of which
// nothing was seen; the CEL then fills in the rest where it can.
func (c *comparison) unrecorded(call *metering.Call, byCEL time.Duration) Line {
	line := c.line(call.ID, call.Service, NoRecord, 0, byCEL)
	frames := mediation.New(c.rules).Missed(c.arrivals[call.ID], call.EndedAt)
	filled, err := c.better(line, frames, 0, call)
	if err == nil && filled.Better != nil {
		filled.Better.Frames = append(frames, filled.Better.Frames...)
		line.Better, line.EncryptedCaller = filled.Better, filled.EncryptedCaller
		return line
	}
	_, out, err := mediation.Replay(frames)
	if err != nil || len(out.Records) != 1 {
		panic(fmt.Sprintf("reconcile: the evidence that mediation made for call %s "+
			"gives no record: %v", call.ID, err))
	}
	line.Why = filled.Why
	line.Better = &Better{Frames: frames, Records: out.Records}
	return line
}

func millis(ms int64) time.Duration { return time.Duration(ms) * time.Millisecond }
