package report

import "github.com/risposta/gateway/metering/quality"

// texts are what the page says in one language. %s and %d are filled in.
type texts struct {
	Lang, Title, Contents, Service, Nothing                     string
	PeriodName, Period, CountedName, Counted, PolicyName        string
	ShortName, Short, RepeatName, Repeat, Repeats, NoRepeats    string
	OneDay, SomeDays, Coverage, Suppressed, SuppressedNote      string
	Unknown, Indicator, Value, Interval, Measured, NOf          string
	Figures, Definitions, DefinitionsNote, Calls                string
	Waits, Wait, WaitsUpTo, WaitsMore, Months, Month            string
	Queues, Queue, Operators, Operator, Satisfaction, Answer    string
	Talk, TalkNotPublished, Kind, Charged, Free, Minutes        string
	Objectives, Objective, AtMost, AtLeast, Verdict             string
	Head, HeadNote, NoHead                                      string
	Numerator, Denominator, Source, NoSource, Version, AsBounds string
	Compared, ComparedNote, Companies, Company, Refused, Why    string

	decimal, thousands string            // the separators of numbers
	names              map[string]string // of the indicators
	formulas           map[string]string // where they are not those of the indicators
	bounds             map[string]string // why a value may be bounds, by its English words
	reasons            map[string]string // verdicts, and why one is not known
	why                map[string]string // why talk was free
	refusals           map[refusal]string
}

var languages = map[string]texts{"en": english, "it": italian}

// name is that of an indicator, which may be one that only another version knows.
func (t texts) name(i quality.Indicator) string {
	if name := t.names[i.Name]; name != "" {
		return name
	}
	return i.Name
}

// formula says what an indicator is, and why its value may be bounds.
func (t texts) formula(i quality.Indicator) string {
	formula, bounds := i.Formula, i.Bounds
	if own, ok := quality.Find(i.Name); ok && own.Formula == formula && t.formulas[i.Name] != "" {
		formula = t.formulas[i.Name]
	}
	if bounds == "" {
		return formula
	}
	if translated := t.bounds[bounds]; translated != "" {
		bounds = translated
	}
	return formula + " " + t.AsBounds + ": " + bounds + "."
}
