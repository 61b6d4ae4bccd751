// Package reconcile compares the records of a period with Asterisk's own logs, fills in from the
// CEL what the gateway did not see, and takes out of the talk what the CEL shows to have been none.
//
// In: the CEL, the CDRs, the queue_log, and a [Store] to read. Out: a [Line] for each call, with
// the evidence and the records that would supersede, where there are any. It writes nothing: the
// caller of [Compare] decides. The CEL goes through the same [mediation.Mediator] as ARI's events.
// CDR and queue_log are shown beside it, because they do not tell when operator and caller talked.
package reconcile

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/cel"
	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/tariff"
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
	Shortened    Status = "shortened"    // the CEL shows that some of the talk was none
	Reconciled   Status = "reconciled"   // the CEL fills in what the gateway did not see
	Unreconciled Status = "unreconciled" // the CEL cannot fill in what the gateway did not see
	NoRecord     Status = "no record"    // the call is in the CEL alone
	NoCEL        Status = "no CEL"       // the call is in the ledger alone
)

// Line is one call.
type Line struct {
	Call            metering.CallID
	Service         string
	ArrivedAt       time.Time // by the CEL; zero where it has no such call
	Status          Status
	Why             string        // it is unreconciled, or differs and cannot be corrected
	Recorded        time.Duration // talk in the record
	Charged         tariff.Amount // by the record
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

// Newest is the version that would supersede all others.
func (b *Better) Newest() metering.Record { return b.Records[len(b.Records)-1] }

// Input is what the ledger is compared with.
type Input struct {
	CEL    io.Reader                         // deploy/asterisk/etc/cel_custom.conf has its columns
	CDR    map[metering.CallID]time.Duration // from [ReadCDR]; nil: none
	Queues map[metering.CallID]int           // from [ReadQueueLog]; nil: none
	Zone   *time.Location                    // in which Asterisk writes the CEL
	Node   string                            // Asterisk's entityid; "": that of the ledger's records
	Query  ledger.Query                      // the period
}

// ErrNoZone means that the CEL has local times, and the input no zone.
var ErrNoZone = cel.ErrNoZone

// comparison is one run.
type comparison struct {
	Input
	store    Store
	rules    mediation.Rules
	mediator *mediation.Mediator
	records  map[metering.CallID]metering.Record // of the period
	known    known
	arrivals map[metering.CallID]metering.Fact // by the CEL, as all below
	ended    []*metering.Call
	frames   map[metering.CallID][][]byte
	unclear  map[metering.CallID]bool // calls of which the local time of a row is ambiguous
	local    map[metering.CallID]bool // calls with a row whose time says nothing of the zone
	doubts   map[metering.CallID][]doubt
	open     map[metering.CallID]bool
	partOf   map[ari.ChannelID]map[metering.CallID]bool // in whose evidence the channel is
	latest   time.Time                                  // of the row so far

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
		unclear:  map[metering.CallID]bool{},
		local:    map[metering.CallID]bool{},
		doubts:   map[metering.CallID][]doubt{},
		open:     map[metering.CallID]bool{},
		partOf:   map[ari.ChannelID]map[metering.CallID]bool{},
	}
	order, err := c.readLedger(ctx)
	if err != nil {
		return err
	}
	if err := c.readCEL(); err != nil {
		return err
	}
	if err := c.checkZone(); err != nil {
		return err
	}
	inCEL := map[metering.CallID]bool{}
	for _, call := range c.ended {
		inCEL[call.ID] = true
		if !c.compared(call) {
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
		outside := r.Node != c.Node || r.ArrivedAt.Before(c.first) || r.EndedAt.After(c.last)
		if inCEL[id] || outside {
			continue
		}
		if err := f(c.line(r.Call, r.Service, NoCEL, millis(r.TalkMs), 0)); err != nil {
			return err
		}
	}
	return nil
}

// compared reports whether a call of the CEL is of the period, by its record where it has one.
func (c *comparison) compared(call *metering.Call) bool {
	if _, ok := c.records[call.ID]; ok {
		return true
	}
	return !c.known.calls[call.ID] && c.inPeriod(call.ArrivedAt)
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
	return cel.Read(c.CEL, c.Zone, c.Node, func(ev cel.Event) error {
		if c.first.IsZero() {
			c.first = ev.At
		}
		c.last = ev.At
		var out mediation.Output
		c.mediator.Step(ev.Event, &out)
		for _, f := range out.Facts {
			if f.Kind != metering.CallArrived {
				continue
			}
			if _, again := c.arrivals[f.Call]; again {
				return fmt.Errorf("the CEL has the start of call %s twice: give each part of it once",
					f.Call)
			}
			f.Number, f.Endpoint = ev.Channel.Caller, ev.Channel.Endpoint()
			c.arrivals[f.Call], c.open[f.Call] = f, true
		}
		for _, e := range out.Evidence {
			c.frames[e.Call] = append(c.frames[e.Call], e.Frame)
			c.unclear[e.Call] = c.unclear[e.Call] || ev.Ambiguous
			c.local[e.Call] = c.local[e.Call] || ev.Local
		}
		c.noteDoubts(ev, &out)
		for _, call := range out.Calls {
			delete(c.open, call.ID)
		}
		c.ended = append(c.ended, out.Calls...)
		return nil
	})
}

// checkZone recognises a zone that is not the CEL's by the calls that the ledger has too.
func (c *comparison) checkZone() error {
	for _, call := range c.ended {
		r, ok := c.records[call.ID]
		if ok && r.Node == c.Node && c.local[call.ID] && c.elsewhen(r, call) {
			return fmt.Errorf("--zone %s is not the zone of the CEL: it has call %s from %s to %s, the "+
				"ledger from %s to %s", c.Zone, call.ID, metering.Time{Time: call.ArrivedAt},
				metering.Time{Time: call.EndedAt}, r.ArrivedAt, r.EndedAt)
		}
	}
	return nil
}

// Zones differ by a quarter of an hour at least. Two accounts of the end of a call differ by less
// than this, and a call never arrives before its channel.
const (
	maxEndDiffers     = 10 * time.Minute
	maxArrivalDiffers = time.Second
)

// elsewhen reports whether the ledger has a call at another time than the CEL, whose times of it
// are clear.
func (c *comparison) elsewhen(r metering.Record, byCEL *metering.Call) bool {
	if c.unclear[byCEL.ID] {
		return false
	}
	return r.ArrivedAt.Before(byCEL.ArrivedAt.Add(-maxArrivalDiffers)) ||
		r.ArrivedAt.After(byCEL.EndedAt.Add(maxArrivalDiffers)) ||
		!endUnseen(r) && r.EndedAt.Sub(byCEL.EndedAt).Abs() > maxEndDiffers
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
		return c.unrecorded(ctx, call, byCEL)
	}
	line := c.line(call.ID, r.Service, Agrees, millis(r.TalkMs), byCEL)
	line.Charged, line.ArrivedAt = r.Charge, call.ArrivedAt
	switch {
	case r.Node != c.Node:
		line.Status = Differs
		line.Why = fmt.Sprintf("%v: the ledger has this call of PBX %s", mediation.ErrNoProof, r.Node)
		return line, nil
	case c.elsewhen(r, call):
		line.Status = Differs
		line.Why = fmt.Sprintf("%v: the ledger has this call from %s to %s: the PBX's clock was set, "+
			"or it is another call", mediation.ErrNoProof, r.ArrivedAt, r.EndedAt)
		return line, nil
	}
	if r.UnseenMs == 0 && !endUnseen(r) {
		tolerance := mediation.Tolerance * time.Duration(2*max(1, len(r.Talk)))
		tooLong := overstates(r, call)
		if !tooLong && (line.Recorded-byCEL).Abs() <= tolerance {
			return line, nil
		}
		line.Status = Differs
		if !tooLong && !c.unclear[call.ID] {
			return line, nil
		}
	} else {
		line.Status = Unreconciled
	}
	frames, err := c.store.Evidence(ctx, call.ID)
	if err != nil {
		return line, err
	}
	return c.better(ctx, line, frames, r.Version, call)
}

func endUnseen(r metering.Record) bool {
	return slices.Contains(r.Reasons, metering.ReasonEndUnseen)
}

func millis(ms int64) time.Duration { return time.Duration(ms) * time.Millisecond }
