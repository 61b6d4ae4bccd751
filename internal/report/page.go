package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/risposta/gateway/metering/quality"
)

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page.html").Parse(pageText))

// page is what page.html shows.
type page struct {
	T        texts
	Name     string
	About    []fact // what the report says of itself
	Notes    []string
	Services []pageService
	Sections []section // of a comparison
	Defined  []definition
	DefNote  string
	Head     string
	HeadNote string
}

// fact is a name and what there is under it.
type fact struct{ Name, Text string }

type pageService struct {
	ID, Name string
	Key      []key
	Sections []section
}

// key is one of a service's most important figures.
type key struct{ Name, Value, Note string }

// section is a table, and mostly the charts of the same rows.
type section struct {
	ID, Title string
	Note      string
	Charts    []*chart
	Table     *table
	Wide      bool // the table needs the whole width
}

type table struct {
	Caption string
	Head    []head
	Rows    [][]cell // the first cell is the row's head
}

// head is a column's. Number: its cells are numbers.
type head struct {
	Text   string
	Number bool
}

// cell is a text with what belongs to it in smaller letters.
type cell struct {
	Text, Note string
	Link       string // to a place of the page
	Lang       string // where it is not the page's
	Number     bool
}

// definition is what an indicator is.
type definition struct {
	ID, Name, Code, Formula, Numerator, Denominator, Source string
}

// Languages are those that WriteHTML writes.
func Languages() []string { return slices.Sorted(maps.Keys(languages)) }

// WriteHTML writes the report as one page in a language of [Languages].
func (r Report) WriteHTML(w io.Writer, language string) error {
	t, ok := languages[language]
	if !ok {
		return fmt.Errorf("writing the report: there is no language %q: use one of %s", language,
			strings.Join(Languages(), ", "))
	}
	p := page{
		T: t, Name: r.Period, About: r.facts(t), Notes: []string{t.Coverage, t.SuppressedNote},
		Defined: definitions(t, r.Definitions), DefNote: t.DefinitionsNote, Head: r.Head,
		HeadNote: t.HeadNote,
	}
	if r.Head == "" {
		p.HeadNote = t.NoHead
	}
	for i, s := range r.Services {
		id := fmt.Sprint("s", i+1)
		p.Services = append(p.Services, pageService{
			ID: id, Name: s.Name, Key: s.keys(t), Sections: s.sections(t, id),
		})
	}
	if err := pageTemplate.Execute(w, p); err != nil {
		return fmt.Errorf("writing the report's page: %w", err)
	}
	return nil
}

// facts are what the report says of itself.
func (r Report) facts(t texts) []fact {
	all := []fact{{t.PeriodName, fmt.Sprintf(t.Period, r.From, dayBefore(r.Until), r.Zone)}}
	counted := t.Nothing
	if r.CountedDays > 0 {
		counted = fmt.Sprintf(t.Counted, r.CountedDays, r.Days, r.CountedFrom, r.CountedTo)
	}
	policy := r.Policy
	if policy == "" {
		policy = t.Unknown
	}
	repeats := t.NoRepeats
	if r.RepeatsUntil != "" {
		repeats = fmt.Sprintf(t.Repeats, r.RepeatsUntil)
	}
	return append(all, fact{t.CountedName, counted}, fact{t.PolicyName, policy},
		fact{t.ShortName, fmt.Sprintf(t.Short, t.span(r.ShortAbandonMs))},
		fact{t.RepeatName, fmt.Sprintf(t.Repeat, t.span(r.RepeatWithinMs)) + " " + repeats})
}

// dayBefore is the day before one.
func dayBefore(day string) string {
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	return at.AddDate(0, 0, -1).Format(time.DateOnly)
}

// span writes a time: 5 s, or 7 days.
func (t texts) span(ms int64) string {
	switch day := int64(86_400_000); {
	case ms == day:
		return t.OneDay
	case ms >= day && ms%day == 0:
		return fmt.Sprintf(t.SomeDays, ms/day)
	}
	return fmt.Sprintf("%g s", float64(ms)/1000)
}

func definitions(t texts, all []quality.Indicator) (defined []definition) {
	for _, i := range all {
		d := definition{
			ID: "d-" + i.Name, Name: t.name(i), Code: i.Name + ", " + t.Version + " " + fmt.Sprint(i.Version),
			Formula: t.formula(i), Numerator: i.Numerator, Denominator: i.Denominator, Source: i.Source,
		}
		if d.Source == "" {
			d.Source = t.NoSource
		}
		defined = append(defined, d)
	}
	return defined
}
