// Package remeasure measures the quality of service once more, from Asterisk's own logs alone, so
// that the figures of a report can be compared with something that the gateway has not made.
//
// In: a queue_log, which says who joined a queue, who was connected and who gave up, in whole
// seconds; a CEL, which has the same instants in milliseconds, who hung up, and the dialplan's marks;
// how each service is measured ([Terms]). Out: the [Figure] of
// each indicator that the two tell, and its [Difference] from what the ledger's counts give. Nothing
// of the gateway's is used for the figures: neither its events, nor its records, nor its formulas.
package remeasure

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// call is a call that joined a queue. Instants that the logs do not have are zero.
type call struct {
	queue      string // the first one
	joined     time.Time
	marked     time.Time // the dialplan's mark that the caller chose an operator
	byMark     bool      // the mark is the choice, and not joining the queue
	context    string    // in which the call came in, and the extension
	exten      string
	connected  time.Time // the first time
	abandoned  bool      // as the queue_log says
	arrived    time.Time
	ended      time.Time
	channel    string // the name of the caller's channel
	hungUpBy   string // the name of the channel that did, or what else ended the call
	joinSecond int64  // of the queue_log
	connSecond int64  // 0: never connected
	bridged    bool   // connected is the CEL's
}

// Calls are the calls of a queue_log, by the unique id of the caller's channel.
type Calls map[string]*call

// Terms are how a service is measured: a call from outside its opening hours is in no figure, and its
// callers choose an operator by the dialplan's mark, or by joining a queue.
type Terms struct{ Outside, Marked bool }

// Measure leaves out the calls from outside the opening hours, and takes as the choice of an operator
// what the service of each call does. terms are those of a call that came in at an extension of a
// context; the CEL tells both.
func (calls Calls) Measure(terms func(context, exten string, arrived time.Time) Terms) Calls {
	measured := Calls{}
	for id, c := range calls {
		t := terms(c.context, c.exten, c.arrived)
		if t.Outside {
			continue
		}
		as := *c
		as.byMark = t.Marked
		measured[id] = &as
	}
	return measured
}

// ReadQueueLog reads which calls joined a queue, and what became of them. A line is
// epoch|call|queue|member|event|arguments.
func ReadQueueLog(r io.Reader) (Calls, error) {
	calls := Calls{}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		f := strings.Split(lines.Text(), "|")
		if len(f) < 5 {
			continue
		}
		second, err := strconv.ParseInt(f[0], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("reading the queue_log, line %d: %q is not a number of seconds", n, f[0])
		}
		at, c := time.Unix(second, 0).UTC(), calls[f[1]]
		switch event := f[4]; {
		case event == "ENTERQUEUE" && c == nil:
			calls[f[1]] = &call{queue: f[2], joined: at, joinSecond: second}
		case c == nil: // the call joined before the log began, or it is about no call
		case event == "CONNECT" && c.connSecond == 0:
			c.connected, c.connSecond = at, second
		case event == "ABANDON":
			c.abandoned = true
			c.ended = at
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading the queue_log: %w", err)
	}
	return calls, nil
}
