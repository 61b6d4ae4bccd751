package report

import "github.com/risposta/gateway/metering/quality"

// Words write figures and objectives in a language, as the report's page does, for other pages.
type Words struct{ t texts }

// WordsIn are the words of a language of [Languages], or else English.
func WordsIn(language string) Words {
	t, ok := languages[language]
	if !ok {
		t = languages["en"]
	}
	return Words{t}
}

// Indicator is an indicator's name.
func (w Words) Indicator(name string) string { return w.t.names[name] }

// Value is a value with its unit.
func (w Words) Value(v quality.Value) string { return w.t.value(Figure{Value: v}) }

// Limit is what an objective asks for.
func (w Words) Limit(r quality.Result) string { return w.t.limit(r) }

// Verdict says whether an objective is met, and if that is not known, why.
func (w Words) Verdict(r quality.Result) string { return w.t.verdict(r) }
