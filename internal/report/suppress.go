package report

import (
	"fmt"
	"maps"
	"slices"

	"github.com/risposta/gateway/metering/quality"
)

// figure publishes a value, unless it is hidden, or of too few.
func figure(v quality.Value, hidden bool) Figure {
	if hidden || v.Known && v.N < quality.MinCell {
		return Figure{
			Value:      quality.Value{Indicator: v.Indicator, Version: v.Version},
			Suppressed: true,
		}
	}
	return Figure{Value: v}
}

// wholeFigures are all figures of a service. Exempt callers and the others are parts of one whole.
func wholeFigures(whole quality.Counts, terms quality.Terms) (figures []Figure) {
	exempt := whole.Exempt.Waits
	hidden := quality.Suppress([]int64{exempt, whole.Wait.Count() - exempt})
	for _, i := range quality.Indicators() {
		part := i.Name == "answer_time_mean_exempt" || i.Name == "answer_time_mean_others"
		figures = append(figures, figure(i.Measure(whole, terms), part && (hidden[0] || hidden[1])))
	}
	return figures
}

// parts are the figures of each part, in the order of their names. For each indicator, what is
// published of the parts does not give away one that is not: calls in no part are one more.
func parts(
	whole quality.Counts, byName map[string]quality.Counts, compared []string, terms quality.Terms,
) []Part {
	all := []Part{}
	names := slices.Sorted(maps.Keys(byName))
	for _, name := range names {
		all = append(all, Part{Name: name, Figures: []Figure{}})
	}
	for _, name := range compared {
		indicator, _ := quality.Find(name)
		rest := indicator.Measure(whole, terms).N
		var sizes []int64
		for _, part := range names {
			n := indicator.Measure(byName[part], terms).N
			sizes = append(sizes, n)
			rest -= n
		}
		hidden := quality.Suppress(append(sizes, rest))
		for i, part := range names {
			v := indicator.Measure(byName[part], terms)
			all[i].Figures = append(all[i].Figures, figure(v, hidden[i]))
		}
	}
	return all
}

// published are the borders up to which an indicator tells how many calls waited: what lies between
// two of them is a line of its own, with a total.
var published = []int64{20, 180}

// waitCells are the buckets of the first wait, named by their upper borders.
func waitCells(h quality.Histogram) []Cell {
	cells := []Cell{}
	var line []int64
	end := func() {
		hidden := quality.Suppress(line)
		for i, n := range line {
			c := &cells[len(cells)-len(line)+i]
			if c.Suppressed = hidden[i]; !hidden[i] {
				c.Calls = n
			}
		}
		line = nil
	}
	for i, n := range h.Calls {
		name := "more"
		if i < len(quality.Borders) {
			name = fmt.Sprint(quality.Borders[i])
		}
		cells, line = append(cells, Cell{Name: name}), append(line, n)
		if i == len(quality.Borders) || slices.Contains(published, quality.Borders[i]) {
			end()
		}
	}
	return cells
}

// satisfactionCells are all published or none: mean and share of the answers give a part away.
func satisfactionCells(answers [5]int64) []Cell {
	hidden := slices.Contains(quality.Suppress(answers[:]), true)
	cells := []Cell{}
	for i, n := range answers {
		c := Cell{Name: fmt.Sprint(i + 1), Suppressed: hidden}
		if !hidden {
			c.Calls = n
		}
		cells = append(cells, c)
	}
	return cells
}

// talkOf is the charged and the free talk, nil where too few calls were charged, or too few were not.
// The free talk is given by reason where each reason that made calls free did so for enough of them.
func talkOf(c quality.Counts) *Talk {
	charged := []int64{c.ChargedCalls, max(0, c.Answered-c.ChargedCalls)}
	if c.Answered < quality.MinCell || slices.Contains(quality.Suppress(charged), true) {
		return nil
	}
	t := &Talk{ChargedMs: c.ChargedMs, FreeMs: c.TalkMs - c.ChargedMs}
	if !slices.Contains(quality.Suppress(c.Reasons[:]), true) {
		t.ByReason = c.FreeMs
	}
	return t
}
