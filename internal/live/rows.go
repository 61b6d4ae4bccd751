package live

import (
	"cmp"
	"maps"
	"slices"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/quality"
)

// QueueRow is a queue: who waits in it now, and what was counted today of the calls that joined it
// first.
type QueueRow struct {
	Name      string `json:"name"`
	Waiting   int    `json:"waiting"`
	LongestMs int64  `json:"longest_ms"` // the longest wait of those who wait now
	Talking   int    `json:"talking"`    // with an operator who answered for it
	Offered   int64  `json:"offered_today"`
	Answered  int64  `json:"answered_today"`
	Abandoned int64  `json:"abandoned_today"`
}

type queues map[string]*QueueRow

func newQueues(today []quality.Row) queues {
	q := queues{}
	for _, r := range today {
		if r.Level() == quality.LevelQueue {
			row := rowOf(q, r.Queue, QueueRow{Name: r.Queue})
			row.Offered += r.Offered
			row.Answered += r.Answered
			row.Abandoned += r.Abandoned
		}
	}
	return q
}

func (q queues) add(c CallRow) {
	if c.Queue == "" {
		return
	}
	row := rowOf(q, c.Queue, QueueRow{Name: c.Queue})
	if c.Doing == metering.Waiting.String() {
		row.Waiting++
		row.LongestMs = max(row.LongestMs, c.ForMs)
	} else {
		row.Talking++
	}
}

// rows has the queue with the longest wait first.
func (q queues) rows() []QueueRow {
	rows := values(q)
	slices.SortFunc(rows, func(a, b QueueRow) int {
		return cmp.Or(cmp.Compare(b.LongestMs, a.LongestMs), cmp.Compare(b.Waiting, a.Waiting),
			cmp.Compare(a.Name, b.Name))
	})
	return rows
}

// OperatorRow is an operator who is in a call, or has talked in one today.
type OperatorRow struct {
	Name string `json:"name"`
	// Doing is talk or held; left out: in no call of a metered service.
	Doing    string          `json:"doing,omitzero"`
	Call     metering.CallID `json:"call,omitzero"`
	Service  string          `json:"service,omitzero"`
	ForMs    int64           `json:"for_ms,omitzero"`
	Answered int64           `json:"answered_today"`
	TalkMs   int64           `json:"talk_ms_today"` // in calls that have ended
}

type operators map[string]*OperatorRow

func newOperators(today []quality.Row) operators {
	o := operators{}
	for _, r := range today {
		if r.Level() == quality.LevelOperator {
			row := rowOf(o, r.Operator, OperatorRow{Name: r.Operator})
			row.Answered += r.Answered
			row.TalkMs += r.TalkMs
		}
	}
	return o
}

// add notes an operator's call; of several, the one that has been in its state for longest.
func (o operators) add(c CallRow) {
	if c.Operator == "" {
		return
	}
	row := rowOf(o, c.Operator, OperatorRow{Name: c.Operator})
	if row.Doing != "" && (row.ForMs > c.ForMs || row.ForMs == c.ForMs && row.Call < c.Call) {
		return
	}
	row.Doing, row.Call, row.Service, row.ForMs = c.Doing, c.Call, c.Service, c.ForMs
}

// rows has those first who are in a call.
func (o operators) rows() []OperatorRow {
	rows := values(o)
	slices.SortFunc(rows, func(a, b OperatorRow) int {
		return cmp.Or(cmp.Compare(order(a.Doing), order(b.Doing)), cmp.Compare(a.Name, b.Name))
	})
	return rows
}

func order(doing string) int {
	if doing == "" {
		return 1
	}
	return 0
}

// rowOf is the row of a name; empty where there is none yet.
func rowOf[R any](rows map[string]*R, name string, empty R) *R {
	if rows[name] == nil {
		rows[name] = &empty
	}
	return rows[name]
}

// values are the rows of a map, in no order.
func values[R any](of map[string]*R) []R {
	rows := make([]R, 0, len(of))
	for _, name := range slices.Sorted(maps.Keys(of)) {
		rows = append(rows, *of[name])
	}
	return rows
}
