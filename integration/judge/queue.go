package judge

import "strings"

// QueueCall sums up the queue_log of one call, over all queues that it was in.
type QueueCall struct {
	Connected int  // how often a member was connected
	Left      bool // left a queue unanswered: abandoned, timed out, or sent elsewhere
}

// Queues reads the queue_log: lines of epoch|call|queue|member|event|arguments.
func Queues(log, callID string) (q QueueCall) {
	for line := range strings.Lines(log) {
		f := strings.Split(strings.TrimSpace(line), "|")
		if len(f) < 5 || f[1] != callID {
			continue
		}
		switch f[4] {
		case "CONNECT":
			q.Connected++
		case "ABANDON", "EXITWITHTIMEOUT", "EXITEMPTY", "EXITWITHKEY":
			q.Left = true
		}
	}
	return q
}
