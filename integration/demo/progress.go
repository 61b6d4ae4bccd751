package main

import (
	"encoding/json"
	"strings"
)

// logReader turns the gateway's log into lines for people.
type logReader struct {
	demo  *demonstration
	lines int // already reported
}

// pauses explains the states of a paused call.
var pauses = map[string]string{
	"held": "the caller is on hold", "waiting": "the caller waits",
}

// report prints what is new in the log.
func (r *logReader) report(log string) {
	lines := strings.Split(strings.TrimRight(log, "\n"), "\n")
	for _, line := range lines[min(r.lines, len(lines)):] {
		var e struct{ Event, Queue, Operator, State string }
		if json.Unmarshal([]byte(line), &e) != nil {
			continue
		}
		switch e.Event {
		case "queue.joined":
			r.demo.progress("  the caller waits in queue %s", e.Queue)
		case "talk.started":
			r.demo.progress("  %s and the caller talk: the meter runs", e.Operator)
		case "talk.paused":
			r.demo.progress("  the meter stops: %s", pauses[e.State])
		case "call.ended":
			r.demo.progress("  the caller hangs up")
		}
	}
	r.lines = len(lines)
}
