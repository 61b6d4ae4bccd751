package console

import (
	"fmt"
	"time"

	"github.com/risposta/gateway/metering"
)

// chart is a call's timeline as a drawing: a lane for each state, named at its left, so that neither
// colour nor place alone says anything.
type chart struct {
	Width, Height, Left int
	Title, Desc         string
	Lanes               []lane
	Bars                []bar
	Ticks               []tick
	AxisY, LabelY       int
}

type lane struct {
	Name            string
	Y, TextY, LineY int
}

// bar is one stretch. Class is charged, free, held, waiting or unseen.
type bar struct {
	X, Width float64
	Y        int
	Class    string
	Title    string
}

type tick struct {
	X    float64
	Text string
}

// The chart's measures, in the units of its view box.
const (
	chartWidth = 960
	chartLeft  = 190
	chartRight = 30
	laneHeight = 40
	barHeight  = 24
	axisHeight = 28
	minBar     = 2.0 // however short a stretch is, it is seen
	maxTicks   = 9
)

// The lanes, and which states are in each.
var laneStates = []string{"charged", "free", "held", "waiting", "unseen"}

// newChart draws the rows of a timeline; nil where there is nothing to draw.
func newChart(t texts, rows []timelineRow) *chart {
	if len(rows) == 0 {
		return nil
	}
	from, to := rows[0].From.Time, rows[len(rows)-1].To.Time
	whole := max(to.Sub(from), time.Millisecond)
	c := &chart{
		Width: chartWidth, Left: chartLeft, Title: t.Timeline,
		Desc: fmt.Sprintf("%s. %s", span(whole.Milliseconds()), t.ChartNote),
	}
	scale := float64(chartWidth-chartLeft-chartRight) / float64(whole)
	x := func(at time.Time) float64 { return chartLeft + float64(at.Sub(from))*scale }
	y := map[string]int{}
	for _, state := range laneStates {
		if !hasState(rows, state) {
			continue
		}
		top := 8 + len(c.Lanes)*laneHeight
		y[state] = top
		c.Lanes = append(c.Lanes, lane{
			Name: t.states[state], Y: top, TextY: top + barHeight/2 + 5, LineY: top + barHeight + 8,
		})
	}
	for _, r := range rows {
		state := chartState(r)
		c.Bars = append(c.Bars, bar{
			X: x(r.From.Time), Width: max(minBar, x(r.To.Time)-x(r.From.Time)), Y: y[state], Class: state,
			Title: fmt.Sprintf("%s–%s: %s: %s", clock(r.From), clock(r.To), r.What, r.Why),
		})
	}
	c.AxisY = 8 + len(c.Lanes)*laneHeight
	c.LabelY, c.Height = c.AxisY+18, c.AxisY+axisHeight
	step := tickStep(whole)
	for at := from.Truncate(step).Add(step); !at.After(to); at = at.Add(step) {
		c.Ticks = append(c.Ticks, tick{x(at), clock(metering.Time{Time: at})})
	}
	return c
}

func hasState(rows []timelineRow, state string) bool {
	for _, r := range rows {
		if chartState(r) == state {
			return true
		}
	}
	return false
}

// chartState is the lane of a row.
func chartState(r timelineRow) string {
	switch {
	case r.State != metering.Talking.String():
		return r.State
	case r.Charged:
		return "charged"
	}
	return "free"
}

// tickStep is a step of the clock that leaves room between the labels.
func tickStep(whole time.Duration) time.Duration {
	for _, step := range []time.Duration{
		time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second,
		30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute,
		15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour,
	} {
		if whole/step <= maxTicks {
			return step
		}
	}
	return 6 * time.Hour
}
