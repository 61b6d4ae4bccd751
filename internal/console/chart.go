package console

import (
	"fmt"
	"time"

	"github.com/risposta/gateway/metering"
)

// chart is a call's timeline as a drawing: a lane for each state, with its name and its whole time
// above it, so that neither colour nor place alone says anything. Heights are in em, so that it grows
// with the text; widths in percent.
type chart struct {
	Title, Name, Desc string // Name is that of the region around it
	Height            string
	Left, Right       string
	Width             string // of each lane
	Lanes             []lane
	Ticks             []tick
	AxisY, LabelY     string
}

type lane struct {
	Name, Value   string
	TextY, TrackY string
	Class         string // charged, free, held, waiting or unseen
	Bars          []bar
	took          int64 // ms
}

// bar is one stretch.
type bar struct{ X, Width, Title string }

type tick struct{ X, Text string }

// The chart's measures: in em, and in percent of its width. The margins have room for half a time of
// day, which is written below each end.
const (
	laneHeight  = 2.75
	laneTextY   = 1.0
	laneTrackY  = 1.4
	axisHeight  = 1.75
	axisLabelY  = 1.35
	chartMargin = 6.0
	maxTicks    = 6
)

// laneStates are the lanes, from top to bottom.
var laneStates = []string{"charged", "free", "held", "waiting", "unseen"}

// newChart draws the rows of a timeline; nil where there is nothing to draw.
func newChart(t texts, rows []timelineRow) *chart {
	if len(rows) == 0 {
		return nil
	}
	from, to := rows[0].From.Time, rows[len(rows)-1].To.Time
	whole := max(to.Sub(from), time.Millisecond)
	c := &chart{
		Title: t.Timeline, Name: t.Timeline + ": " + t.Drawing,
		Desc: fmt.Sprintf("%s. %s", span(whole.Milliseconds()), t.ChartNote),
		Left: percent(chartMargin), Right: percent(100 - chartMargin),
		Width: percent(100 - 2*chartMargin),
	}
	share := func(d time.Duration) float64 { return (100 - 2*chartMargin) * float64(d) / float64(whole) }
	for _, state := range laneStates {
		l := lane{Name: t.states[state], Class: state}
		for _, r := range rows {
			if chartState(r) != state {
				continue
			}
			l.took += r.Ms
			l.Bars = append(l.Bars, bar{
				X:     percent(chartMargin + share(r.From.Sub(from))),
				Width: percent(share(r.To.Sub(r.From.Time))),
				Title: fmt.Sprintf("%s–%s: %s: %s", clock(r.From), clock(r.To), r.What, r.Why),
			})
		}
		if len(l.Bars) == 0 {
			continue
		}
		top := laneHeight * float64(len(c.Lanes))
		l.Value, l.TextY, l.TrackY = t.Secs(l.took)+" s", em(top+laneTextY), em(top+laneTrackY)
		c.Lanes = append(c.Lanes, l)
	}
	end := laneHeight * float64(len(c.Lanes))
	c.AxisY, c.LabelY, c.Height = em(end), em(end+axisLabelY), em(end+axisHeight)
	step := tickStep(whole)
	for at := from.Truncate(step).Add(step); !at.After(to); at = at.Add(step) {
		c.Ticks = append(c.Ticks, tick{
			percent(chartMargin + share(at.Sub(from))), clock(metering.Time{Time: at}),
		})
	}
	return c
}

func em(x float64) string      { return fmt.Sprintf("%.2fem", x) }
func percent(x float64) string { return fmt.Sprintf("%.3f%%", x) }

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
		if whole <= maxTicks*step {
			return step
		}
	}
	return 6 * time.Hour
}
