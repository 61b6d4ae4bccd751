package report

// chart is a bar chart: each bar has its name and its value beside it as text, so that neither
// colour nor length alone says anything.
type chart struct {
	ID, Title, Desc string
	Bars            []bar
	Height          int
}

type bar struct {
	Name, Value         string
	Y, TextY, Width     int
	ValueX, NameX, BarX int
}

// The chart's measures, in the units of its view box, which is as wide as the smallest screen.
const (
	chartWidth = 320
	nameWidth  = 96
	valueWidth = 84
	barsWidth  = chartWidth - nameWidth - valueWidth
	barHeight  = 14
	barStep    = 22
)

// point is one row of a chart's table.
type point struct {
	name, value string
	size        float64
}

// newChart draws the points from top to bottom, the longest as wide as there is room.
func newChart(id, title, desc string, points []point) *chart {
	c := &chart{ID: id, Title: title, Desc: desc, Height: len(points)*barStep + 4}
	longest := 0.0
	for _, p := range points {
		longest = max(longest, p.size)
	}
	for i, p := range points {
		b := bar{Name: short(p.name), Value: p.value, Y: 4 + i*barStep, BarX: nameWidth}
		b.TextY, b.NameX = b.Y+barHeight-3, nameWidth-4
		if longest > 0 {
			b.Width = int(p.size / longest * barsWidth)
		}
		b.ValueX = nameWidth + b.Width + 4
		c.Bars = append(c.Bars, b)
	}
	return c
}

// short is a name that fits beside a bar. The table has the whole one.
func short(name string) string {
	const most = 14
	if letters := []rune(name); len(letters) > most {
		return "…" + string(letters[len(letters)-most+1:])
	}
	return name
}
