package reconcile

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/evidence"
	"github.com/risposta/gateway/metering/ledger"
)

// seen is a call that the ledger has of the PBX, with its detail.
type seen struct {
	call      metering.CallID
	service   string
	arrivedAt time.Time
}

// known is what a comparison knows of all calls of the ledger, whatever the period.
type known struct {
	calls    map[metering.CallID]bool
	arrivals []seen // by arrival
	desk     bool   // callers have been at the front desk of the PBX
}

// deskReasons are those of a charge that the front desk decides.
var deskReasons = []metering.Reason{
	metering.ReasonAnnouncedFree, metering.ReasonNoConsent, metering.ReasonAnnouncedLate,
	metering.ReasonNotAnnounced,
}

// readLedger reads all records, and returns the calls of the period by arrival. Which PBX's calls
// the CEL has is given, or all records name the same, erased ones too: the CEL itself does not say.
func (c *comparison) readLedger(ctx context.Context) (order []metering.CallID, err error) {
	c.known.calls = map[metering.CallID]bool{}
	nodes := map[string]bool{}
	var all []metering.Record
	err = c.store.Records(ctx, ledger.Query{}, func(text []byte) error {
		var r metering.Record
		if err := json.Unmarshal(text, &r); err != nil {
			return fmt.Errorf("reading a record of the ledger: %w", err)
		}
		if r.Node != "" {
			nodes[r.Node] = true
		}
		c.known.calls[r.Call] = true
		brief := metering.Record{
			Call: r.Call, Node: r.Node, Service: r.Service, ArrivedAt: r.ArrivedAt,
			Announcement: r.Announcement, Reasons: r.Reasons, DetailErased: r.DetailErased,
		}
		if !r.DetailErased && c.inPeriod(r.ArrivedAt.Time) {
			c.records[r.Call] = r
			order = append(order, r.Call)
		}
		all = append(all, brief)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := c.chooseNode(nodes); err != nil {
		return nil, err
	}
	for _, r := range all {
		if r.Node != c.Node {
			continue
		}
		c.known.desk = c.known.desk || r.Announcement != nil || decidedAtDesk(r.Reasons)
		if !r.DetailErased {
			c.known.arrivals = append(c.known.arrivals, seen{r.Call, r.Service, r.ArrivedAt.Time})
		}
	}
	slices.SortStableFunc(c.known.arrivals, func(a, b seen) int {
		return a.arrivedAt.Compare(b.arrivedAt)
	})
	return order, nil
}

func decidedAtDesk(reasons []metering.Reason) bool {
	return slices.ContainsFunc(reasons, func(r metering.Reason) bool {
		return slices.Contains(deskReasons, r)
	})
}

// chooseNode finds the PBX, or checks the given one: under another name a call that is erased would
// be entered, and charged, a second time.
func (c *comparison) chooseNode(nodes map[string]bool) error {
	names := make([]string, 0, len(nodes))
	for node := range nodes {
		names = append(names, node)
	}
	slices.Sort(names)
	switch {
	case c.Node != "" && (nodes[c.Node] || len(nodes) == 0):
		return nil
	case c.Node != "":
		return fmt.Errorf("--node %s: the ledger has no call of this PBX, but of %s", c.Node,
			strings.Join(names, ", "))
	case len(nodes) == 1:
		c.Node = names[0]
		return nil
	}
	return fmt.Errorf("the ledger has calls of %d PBXs: give --node, the entityid of the one "+
		"whose CEL this is", len(nodes))
}

// sameTerms reports whether the ledger shows that at the arrival of a call the configuration was
// today's, as far as operators, price and policy go: so it was for the calls just before and after
// it, on any service and on its own.
func (c *comparison) sameTerms(ctx context.Context, first evidence.Call) (bool, error) {
	if !c.today(first) {
		return false, nil
	}
	i, _ := slices.BinarySearchFunc(c.known.arrivals, first.At.Time,
		func(s seen, at time.Time) int { return s.arrivedAt.Compare(at) })
	before, after := slices.Backward(c.known.arrivals[:i]), slices.All(c.known.arrivals[i:])
	for _, calls := range [...]iter.Seq2[int, seen]{before, after} {
		for _, service := range [...]string{"", first.Service} {
			nearest, err := c.nearest(ctx, calls, first.Call, service)
			if err != nil || nearest.Call == "" || !c.today(nearest) {
				return false, err
			}
		}
	}
	return true, nil
}

// maxNeighbours bounds how many calls are read in search of one whose arrival was seen.
const maxNeighbours = 100

// nearest is the first frame of the first of some calls whose arrival the gateway saw, of a service
// or, with "", of any; the zero value for none. It is not the call itself.
func (c *comparison) nearest(
	ctx context.Context, calls iter.Seq2[int, seen], not metering.CallID, service string,
) (evidence.Call, error) {
	read := 0
	for _, s := range calls {
		if s.call == not || service != "" && s.service != service {
			continue
		}
		if read++; read > maxNeighbours {
			break
		}
		frames, err := c.store.Evidence(ctx, s.call)
		if err != nil {
			return evidence.Call{}, err
		}
		if len(frames) == 0 {
			continue
		}
		first, _, err := evidence.ReadCall(frames[0])
		if err != nil || first.Unseen == "" {
			return first, err
		}
	}
	return evidence.Call{}, nil
}

// today reports whether today's configuration gives what stands in the first frame of a call.
func (c *comparison) today(first evidence.Call) bool {
	terms := c.rules.Terms(first.Service, first.At.Time)
	terms.AskExemption = c.rules.AskExemption
	frame := evidence.NewCall(metering.Fact{
		At: first.At.Time, Call: first.Call, RecordName: first.Record, Service: first.Service,
		Terms: &terms,
	}, c.rules.Operators.Patterns(), "")
	now, _, err := evidence.ReadCall(frame)
	return err == nil && slices.Equal(now.Operators, first.Operators) &&
		now.AskExemption == first.AskExemption && now.NumberKind == first.NumberKind &&
		reflect.DeepEqual(now.Tariff, first.Tariff) && reflect.DeepEqual(now.Policy, first.Policy)
}
