package remeasure

import (
	"slices"
	"time"
)

// Figure is an indicator as the logs tell it, in seconds or as a share.
type Figure struct {
	Value float64
	N     int // how many calls it is of; 0: there is no value
}

// What became of a call.
type outcome uint8

const (
	answered outcome = iota
	abandoned
	cut
	unknown
)

// outcome is what the logs say. A caller who was in a queue no longer is told apart by who hung up.
func (c *call) outcome() outcome {
	switch {
	case c.connSecond > 0:
		return answered
	case c.abandoned, c.hungUpBy != "" && c.hungUpBy == c.channel:
		return abandoned
	case c.hungUpBy != "":
		return cut
	}
	return unknown
}

// choice is when the caller chose an operator; told is false where no mark says so. Then it is the
// arrival.
func (c *call) choice() (at time.Time, told bool) {
	switch {
	case !c.byMark:
		return c.joined, true
	case c.marked.IsZero() || c.marked.After(c.connected) && c.connSecond > 0:
		return c.arrived, false
	}
	return c.marked, true
}

// Within selects the calls that arrived from one instant on and before another. Those of which the
// CEL does not have the arrival are taken by when they joined the queue. With queues it takes those
// that joined one of them first.
func (calls Calls) Within(from, until time.Time, queues ...string) Calls {
	selected := Calls{}
	for id, c := range calls {
		at := c.arrived
		if at.IsZero() {
			at = c.joined
		}
		if at.Before(from) || !at.Before(until) ||
			len(queues) > 0 && !slices.Contains(queues, c.queue) {
			continue
		}
		selected[id] = c
	}
	return selected
}

// Queues are the first queues of the calls, in order, and how many calls joined each.
func (calls Calls) Queues() map[string]int {
	n := map[string]int{}
	for _, c := range calls {
		n[c.queue]++
	}
	return n
}

// Figures are the indicators by their names. short is how long a caller waits at most who abandons
// the call in short.
func (calls Calls) Figures(short time.Duration) map[string]Figure {
	var waits, navigations []time.Duration
	var n [unknown + 1]int
	shortly := 0
	for _, c := range calls {
		became := c.outcome()
		chosen, told := c.choice()
		n[became]++
		switch {
		case became == answered:
			waits = append(waits, max(0, c.connected.Sub(chosen)))
			if !c.arrived.IsZero() && told {
				navigations = append(navigations, max(0, chosen.Sub(c.arrived)))
			}
		case became == abandoned && c.ended.Sub(chosen) <= short:
			shortly++
		}
	}
	slices.Sort(waits)
	offered := len(calls)
	best := waits[:(len(waits)*95+99)/100]
	f := map[string]Figure{
		"answer_time_mean":  mean(waits),
		"navigation_mean":   mean(navigations),
		"wait_best_95_mean": mean(best),
		"abandoned":         share(n[abandoned]-shortly, offered-shortly),
		"abandoned_short":   share(shortly, offered),
		"cut_waiting":       share(n[cut], offered),
	}
	if len(navigations) == len(waits) {
		f["answer_time_with_navigation_mean"] = Figure{
			Value: f["answer_time_mean"].Value + f["navigation_mean"].Value, N: len(waits),
		}
	}
	if len(best) > 0 {
		f["wait_p95"] = Figure{Value: best[len(best)-1].Seconds(), N: len(waits)}
	}
	for name, most := range map[string]time.Duration{
		"answered_20s": 20 * time.Second, "answered_180s": 180 * time.Second,
	} {
		in, _ := slices.BinarySearch(waits, most+1)
		f[name+"_of_answered"] = share(in, len(waits))
		f[name+"_of_offered"] = share(in, offered)
	}
	return f
}

func mean(all []time.Duration) Figure {
	if len(all) == 0 {
		return Figure{}
	}
	var total time.Duration
	for _, d := range all {
		total += d
	}
	return Figure{Value: total.Seconds() / float64(len(all)), N: len(all)}
}

func share(n, of int) Figure {
	if of == 0 {
		return Figure{}
	}
	return Figure{Value: float64(n) / float64(of), N: of}
}
