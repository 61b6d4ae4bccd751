package quality

import "fmt"

// Objective is what a company has set itself, or a law sets, for one indicator of a service in one
// year: at most Limit where lower is better, at least Limit where higher is.
type Objective struct {
	Service   string  `json:"service"`
	Indicator string  `json:"indicator"`
	Year      int     `json:"year"`
	Limit     float64 `json:"limit"` // in the unit of the indicator
}

// Verdict says whether an objective is met.
type Verdict string

// The verdicts.
const (
	Met      Verdict = "met"
	Missed   Verdict = "missed"
	NotKnown Verdict = "not_known"
)

// Why an objective's verdict is [NotKnown].
const (
	WhyNothing  = "nothing_measured"
	WhyFew      = "too_few"         // fewer than MinCell were measured
	WhyCoverage = "too_much_unseen" // less than MinCoverage of the calls was measured
	WhyBounds   = "between_bounds"  // the objective lies between the bounds of the value
)

// MinCoverage is the least share of the calls that must be measured for an objective to be met or
// missed, where the bounds of the indicator do not cover the rest.
const MinCoverage = 0.95

// Result is an objective with its value and verdict.
type Result struct {
	Objective
	Value   Value   `json:"value"`
	Verdict Verdict `json:"verdict"`
	Why     string  `json:"why,omitzero"` // why the verdict is not known
}

// Judge compares the counts of the objective's service and year with it. What is not known is
// neither met nor missed. It fails for an indicator that does not exist.
func (o Objective) Judge(c Counts, t Terms) (Result, error) {
	indicator, ok := Find(o.Indicator)
	if !ok {
		return Result{}, fmt.Errorf("objective of service %s: there is no indicator %q: "+
			"docs/quality.md lists them", o.Service, o.Indicator)
	}
	r := Result{Objective: o, Value: indicator.Measure(c, t)}
	r.Verdict, r.Why = indicator.judge(r.Value, o.Limit)
	return r, nil
}

func (i Indicator) judge(v Value, limit float64) (Verdict, string) {
	met, missed := v.High <= limit, v.Low > limit
	if i.Better == Higher {
		met, missed = v.Low >= limit, v.High < limit
	}
	switch {
	case !v.Known:
		return NotKnown, WhyNothing
	case v.N < MinCell:
		return NotKnown, WhyFew
	case !i.boundsUnseen && v.Coverage() < MinCoverage:
		return NotKnown, WhyCoverage
	case met:
		return Met, ""
	case missed:
		return Missed, ""
	}
	return NotKnown, WhyBounds
}
