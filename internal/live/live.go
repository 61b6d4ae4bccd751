// Package live is what the gateway meters at this moment, and what of it is shown.
//
// In: a [State], one moment of the gateway as it was committed: open calls, the PBXs, the counts of
// today. Out: a [View] with the calls by state, queues, operators, PBXs and the indicators of today,
// bounded in its rows; and the same as text for a terminal. The page of the admin port and
// `risposta top` show one and the same view.
//
// It computes from its arguments alone: no clock, no I/O, no goroutine. It never holds a clear number
// or why a caller is exempt.
package live

import (
	"cmp"
	"slices"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/quality"
)

// State is one moment of the gateway.
type State struct {
	At   time.Time // by this machine's clock
	PBXs []PBX
	// Today are the counts of the calls that arrived on this day, in UTC.
	Today []quality.Row
	// Terms are those of the indicators; Objectives those of this year.
	Terms      quality.Terms
	Objectives []quality.Objective
	// Pending is the number of records that wait for an exemption lookup.
	Pending int64
}

// PBX is one PBX, and the calls on it.
type PBX struct {
	Name, Node string
	Synced     bool
	Since      time.Time // by this machine's clock: since when it is synced, or not; zero: it never was
	Reason     string    // of the gap
	Committed  bool      // the last commit succeeded
	Inbox      int       // frames read and not processed yet
	// Watermark is the PBX's own time up to which everything was seen.
	Watermark time.Time
	// AsOf is when the calls were copied, by this machine's clock.
	AsOf  time.Time
	Calls []metering.Call
}

// Copy is a copy of an open call that shares nothing that the meter changes.
func Copy(c *metering.Call) metering.Call {
	cp := *c
	cp.Segments = slices.Clone(c.Segments)
	cp.Queues = slices.Clone(c.Queues)
	return cp
}

// The states of a call, as they are shown: where it is, and whether that is charged.
const (
	Charged = "charged" // talk that the caller pays
	Free    = "free"    // talk that the caller does not pay
	Held    = "held"    // free
	Waiting = "waiting" // free
	Unseen  = "unseen"  // free
	Exempt  = "exempt"  // free, whatever happens
)

// States are all of them, in the order in which they are shown.
func States() []string { return []string{Charged, Free, Held, Waiting, Unseen, Exempt} }

// The most rows of each table. What is left out is counted.
const (
	maxCalls     = 40 // of each state, the longest first
	maxQueues    = 50
	maxOperators = 100
	maxServices  = 30
)

// View is what is shown of one moment.
type View struct {
	At        metering.Time `json:"at"`
	States    []Count       `json:"states"`
	PBXs      []PBXRow      `json:"pbxs"`
	Calls     []CallRow     `json:"calls"`
	Queues    []QueueRow    `json:"queues"`
	Operators []OperatorRow `json:"operators"`
	Services  []ServiceRow  `json:"services"`
	Pending   int64         `json:"pending_records"`
	// How many rows each table leaves out.
	MoreCalls     int `json:"more_calls"`
	MoreQueues    int `json:"more_queues"`
	MoreOperators int `json:"more_operators"`
	MoreServices  int `json:"more_services"`
}

// Count is how many calls are in a state.
type Count struct {
	State string `json:"state"`
	Calls int    `json:"calls"`
}

// PBXRow is a PBX.
type PBXRow struct {
	Name      string        `json:"name"`
	Node      string        `json:"node"`
	Synced    bool          `json:"synced"`
	Since     metering.Time `json:"since,omitzero"`
	Reason    string        `json:"reason,omitzero"`
	Committed bool          `json:"committed"`
	Inbox     int           `json:"inbox"`
	Calls     int           `json:"calls"`
	// StaleMs is how old the calls are that are shown, where the gateway could not tell newer ones.
	StaleMs int64 `json:"stale_ms,omitzero"`
}

// stale is from when on calls count as old: the gateway answers between two commits.
const stale = 3 * time.Second

// New makes the view of a state.
func New(s State) View {
	v := View{
		At: metering.Time{Time: s.At}, Pending: s.Pending,
		PBXs: []PBXRow{}, Calls: []CallRow{},
	}
	queues, operators := newQueues(s.Today), newOperators(s.Today)
	services := newServices(s)
	var calls []CallRow
	for i := range s.PBXs {
		p := &s.PBXs[i]
		v.PBXs = append(v.PBXs, pbxRow(p, s.At))
		for k := range p.Calls {
			c := &p.Calls[k]
			row := callRow(p, c)
			calls = append(calls, row)
			queues.add(row)
			operators.add(row)
			services.add(row)
		}
	}
	slices.SortFunc(calls, func(a, b CallRow) int {
		return cmp.Or(cmp.Compare(slices.Index(States(), a.State), slices.Index(States(), b.State)),
			a.Since.Compare(b.Since.Time), cmp.Compare(a.Call, b.Call))
	})
	v.Calls, v.States = longest(calls)
	v.MoreCalls = len(calls) - len(v.Calls)
	v.Queues, v.MoreQueues = first(queues.rows(), maxQueues)
	v.Operators, v.MoreOperators = first(operators.rows(), maxOperators)
	v.Services, v.MoreServices = first(services.rows(), maxServices)
	return v
}

// longest counts the calls of each state, and leaves the first of each.
func longest(sorted []CallRow) (kept []CallRow, counts []Count) {
	kept = []CallRow{}
	for _, state := range States() {
		n := 0
		for _, row := range sorted {
			if row.State != state {
				continue
			}
			if n++; n <= maxCalls {
				kept = append(kept, row)
			}
		}
		counts = append(counts, Count{state, n})
	}
	return kept, counts
}

// first are the first rows, and how many are left out.
func first[R any](rows []R, most int) ([]R, int) {
	if len(rows) <= most {
		return rows, 0
	}
	return rows[:most], len(rows) - most
}

func pbxRow(p *PBX, now time.Time) PBXRow {
	row := PBXRow{
		Name: p.Name, Node: p.Node, Synced: p.Synced, Since: metering.Time{Time: p.Since},
		Reason: p.Reason, Committed: p.Committed, Inbox: p.Inbox, Calls: len(p.Calls),
	}
	if age := now.Sub(p.AsOf); age > stale && !p.AsOf.IsZero() {
		row.StaleMs = age.Milliseconds()
	}
	return row
}
