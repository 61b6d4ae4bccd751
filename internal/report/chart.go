package report

import (
	"fmt"

	"github.com/risposta/gateway/metering/quality"
)

// chart is a bar chart. Each bar has its name and its value above it as text, and its track, so that
// neither colour nor length alone says anything.
type chart struct {
	ID, Title, Desc string
	Untitled        bool // on the page, where the heading above has the same words
	Bars            []bar
	Mark            *mark
	Height          string
}

// bar has its measures in em, so that it grows with the text, and its length in percent of the
// chart's width. Its track is dashed where the value is not published.
type bar struct {
	Name, Value     string
	TextY, Y, MarkY string
	Width           string
	Unknown         bool
}

// mark is an objective: a triangle below each bar, and what it means in words.
type mark struct{ Text, X, Y, TextY string }

// The chart's measures in em, and how much of a name fits beside the value on the smallest screen.
const (
	barStep   = 3.0
	barTextY  = 1.0
	barY      = 1.4
	barHeight = 0.75
	markY     = barY + barHeight
	longest   = 18
)

// point is one row of a chart's table.
type point struct {
	name, value string
	size        float64
	unknown     bool
}

// scale is what the whole width of a chart stands for: all of a share, the best score, or else the
// largest of the points and the limit.
func scale(unit quality.Unit, points []point, limit float64) float64 {
	switch unit {
	case quality.Share:
		return 1
	case quality.Score:
		return 5
	case quality.Seconds:
	}
	for _, p := range points {
		limit = max(limit, p.size)
	}
	return limit
}

// newChart draws the points from top to bottom, and the limit of an objective where it has words.
func newChart(
	id, title string, unit quality.Unit, points []point, limit float64, words string,
) *chart {
	c := &chart{ID: id, Title: title, Desc: description(points, words)}
	whole := scale(unit, points, limit)
	for i, p := range points {
		top := float64(i) * barStep
		c.Bars = append(c.Bars, bar{
			Name: short(p.name), Value: p.value, TextY: em(top + barTextY), Y: em(top + barY),
			MarkY: em(top + markY), Width: percent(p.size, whole), Unknown: p.unknown,
		})
	}
	end := float64(len(points)) * barStep
	if words != "" {
		c.Mark = &mark{Text: words, X: percent(limit, whole), Y: em(end + 0.65), TextY: em(end + barTextY)}
		end += barStep / 2
	}
	c.Height = em(end)
	return c
}

func em(x float64) string { return fmt.Sprintf("%.2fem", x) }

func percent(x, whole float64) string {
	if whole <= 0 {
		return "0%"
	}
	return fmt.Sprintf("%.2f%%", 100*min(1, x/whole))
}

// short is a name that fits above a bar: its begin and its end, which mostly tells it from others. The
// table has the whole one.
func short(name string) string {
	letters := []rune(name)
	if len(letters) <= longest {
		return name
	}
	return string(letters[:longest/2-1]) + "…" + string(letters[len(letters)-longest/2:])
}
