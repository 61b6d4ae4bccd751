package quality

// Unit is what the values of an indicator are in.
type Unit string

// The units.
const (
	Seconds Unit = "s"
	Share   Unit = "share" // from 0 to 1
	Score   Unit = "score" // from 1 to 5
)

// Better is the direction in which an indicator gets better.
type Better string

// The directions.
const (
	Lower  Better = "lower"
	Higher Better = "higher"
)

// Indicator is the definition of one indicator. Numerator and Denominator name counts by their
// place in the JSON of [Counts].
type Indicator struct {
	Name        string `json:"name"`
	Version     int    `json:"version"` // values of different versions do not compare
	Unit        Unit   `json:"unit"`
	Better      Better `json:"better"`
	Formula     string `json:"formula"` // in words
	Numerator   string `json:"numerator"`
	Denominator string `json:"denominator"`
	// Bounds says why the value may be bounds. Empty: it is exact.
	Bounds string `json:"bounds,omitzero"`
	// PerOperator: the rows of an operator have what the indicator needs.
	PerOperator bool `json:"per_operator,omitzero"`
	// Term is the one of the [Terms] that the value depends on. Empty: none.
	Term string `json:"term,omitzero"`
	// Source is the text that asks for the indicator. Empty: none that is known does.
	Source string `json:"source,omitzero"`

	measure func(Counts, Terms) Value
	// boundsUnseen: the bounds hold whatever became of the calls that were not measured.
	boundsUnseen bool
}

// Measure is the indicator's value for summed counts.
func (i Indicator) Measure(c Counts, t Terms) Value {
	v := i.measure(c, t)
	v.Indicator, v.Version = i.Name, i.Version
	return v
}

// Find is the indicator of a name.
func Find(name string) (Indicator, bool) {
	for _, i := range Indicators() {
		if i.Name == name {
			return i, true
		}
	}
	return Indicator{}, false
}

// Indicators are all indicators, in the order of a report.
func Indicators() []Indicator {
	var all []Indicator
	all = append(all, waitIndicators()...)
	all = append(all, lostIndicators()...)
	return append(all, callerIndicators()...)
}

// The sources, as far as their texts were found.
const (
	csp79  = "AGCOM 79/09/CSP"
	cons24 = "AGCOM 255/24/CONS"
	ley3   = "Ley 10/2025 art. 8.2 and 10.3"
	ley4   = "Ley 10/2025 art. 8.4"
	ley18  = "Ley 10/2025 art. 18"
	ofcom  = "Ofcom, comparing service quality"
)
