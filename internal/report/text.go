package report

import (
	"fmt"
	"strings"

	"github.com/risposta/gateway/metering/quality"
)

// texts are what the page says in one language. %s is filled in.
type texts struct {
	Lang, Title, Period, Coverage, Suppressed, Unknown        string
	Contents, Figures, Definitions, DefinitionsNote           string
	Indicator, Value, Interval, Measured, Calls, Share        string
	Waits, WaitsUpTo, WaitsMore, Months, Month, Queues, Queue string
	Operators, Operator, Satisfaction, Answer                 string
	Talk, Kind, Charged, Free, Minutes, Nothing               string
	Objectives, Objective, AtMost, AtLeast, Verdict           string
	Terms, Repeats, NoRepeats, Policy, Head, HeadNote         string
	Compared, ComparedNote, Refused, Why                      string
	Formula, Numerator, Denominator, Source, Version, Service string

	decimal string // the decimal separator
	names   map[string]string
	reasons map[string]string // verdicts, and why one is not known
}

var languages = map[string]texts{
	"en": {
		Lang: "en", Title: "Quality of service", Period: "From %s up to, not including, %s (UTC)",
		Coverage: "“Measured” says of how many calls or answers the figure is, and how many there " +
			"were. Two numbers are bounds: the true figure lies between them.",
		Repeats:   "Who called again is counted for the days before %s.",
		NoRepeats: "It is not counted yet for any day of the period who called again.",
		Policy:    "Rules of the law that the services charge under: %s.",
		Compared:  "Companies compared", Refused: "Not compared", Why: "Why",
		ComparedNote: "From the reports that the companies have published and signed. Figures that are " +
			"defined or counted in different ways are not compared.",
		Head: "Signed head of the ledger",
		HeadNote: "The figures are of a ledger whose log was signed as follows. The head covers the " +
			"counts of the days that were over when it was signed.",
		Suppressed: "fewer than 10", Unknown: "not known",
		Contents: "Contents", Figures: "Figures", Definitions: "Definitions",
		DefinitionsNote: "Figures of another definition or version do not compare.",
		Indicator:       "Indicator", Value: "Value", Interval: "95 % interval", Measured: "Measured",
		Calls: "Calls", Share: "Share", Waits: "First wait of answered calls",
		WaitsUpTo: "up to %s s", WaitsMore: "more than %s s", Months: "Answered within 20 s, by month",
		Month: "Month", Queues: "Answered within 20 s, by queue", Queue: "Queue",
		Operators: "Mean answer time, by operator", Operator: "Operator",
		Satisfaction: "Satisfaction, from 1 to 5", Answer: "Answer",
		Talk: "Charged and free talk", Kind: "Talk", Charged: "charged", Free: "free",
		Minutes: "Minutes", Nothing: "No call was counted in this period.",
		Objectives: "Objectives", Objective: "Objective", AtMost: "at most %s", AtLeast: "at least %s",
		Verdict: "In this period",
		Terms: "Abandoned in short: within %s of waiting for an operator. Repeat call: within %s. " +
			"No count of fewer than 10 calls is published, nor what would give one away.",
		reasons: map[string]string{
			"met": "met", "missed": "missed", "nothing_measured": "not known: nothing was measured",
			"too_few": "not known: too few", "too_much_unseen": "not known: too much was not seen",
			"between_bounds": "not known: the objective lies between the bounds",
		},
		Formula: "What it is", Numerator: "Numerator", Denominator: "Denominator", Source: "Source",
		Version: "Version", Service: "Service", decimal: ".",
		names: map[string]string{
			"answer_time_mean":                 "Mean answer time",
			"answer_time_with_navigation_mean": "Mean answer time with navigation",
			"navigation_mean":                  "Mean navigation time",
			"answered_20s_of_answered":         "Within 20 s, of answered calls",
			"answered_20s_of_offered":          "Within 20 s, of offered calls",
			"answered_180s_of_answered":        "Within 180 s, of answered calls",
			"answered_180s_of_offered":         "Within 180 s, of offered calls",
			"wait_best_95_mean":                "Mean wait of the best 95 %",
			"wait_p95":                         "95th percentile of the wait",
			"answer_time_mean_exempt":          "Mean answer time, exempt callers",
			"answer_time_mean_others":          "Mean answer time, other callers",
			"transfer_wait_mean":               "Mean wait between operators",
			"abandoned":                        "Abandoned",
			"abandoned_short":                  "Abandoned in short",
			"cut_waiting":                      "Cut while waiting",
			"solved_survey":                    "Solved, as callers say",
			"no_repeat_call":                   "No repeat call",
			"satisfaction_mean":                "Mean satisfaction",
			"satisfied":                        "Satisfied (4 or 5)",
			"survey_response":                  "Answered the survey",
			"seen":                             "Seen by the gateway",
		},
	},
	"it": {
		Lang: "it", Title: "Qualità del servizio", Period: "Dal %s al %s escluso (UTC)",
		Coverage: "“Misurati” dice su quante chiamate o risposte è calcolato il dato, e quante ce " +
			"n'erano. Due numeri sono limiti: il dato vero sta tra di essi.",
		Repeats:   "Le nuove chiamate sono contate per i giorni prima del %s.",
		NoRepeats: "Per nessun giorno del periodo sono ancora contate le nuove chiamate.",
		Policy:    "Regole di legge secondo cui i servizi addebitano: %s.",
		Compared:  "Imprese a confronto", Refused: "Non confrontati", Why: "Perché",
		ComparedNote: "Dai rapporti che le imprese hanno pubblicato e firmato. I dati definiti o contati " +
			"in modo diverso non sono confrontati.",
		Head: "Stato firmato del registro",
		HeadNote: "I dati sono di un registro il cui giornale era firmato come segue. La firma copre i " +
			"conteggi dei giorni finiti quando è stata apposta.",
		Suppressed: "meno di 10", Unknown: "non noto",
		Contents: "Indice", Figures: "Indicatori", Definitions: "Definizioni",
		DefinitionsNote: "Dati con definizione o versione diversa non sono confrontabili. " +
			"Le definizioni sono in inglese.",
		Indicator: "Indicatore", //nolint:misspell // Italian
		Value:     "Valore", Interval: "Intervallo al 95 %", Measured: "Misurati",
		Calls: "Chiamate", Share: "Quota", Waits: "Prima attesa delle chiamate risposte",
		WaitsUpTo: "fino a %s s", WaitsMore: "oltre %s s", Months: "Risposte entro 20 s, per mese",
		Month: "Mese", Queues: "Risposte entro 20 s, per coda", Queue: "Coda",
		Operators: "Tempo medio di risposta, per operatore", Operator: "Operatore",
		Satisfaction: "Soddisfazione, da 1 a 5", Answer: "Risposta",
		Talk: "Conversazione addebitata e gratuita", Kind: "Conversazione", Charged: "addebitata",
		Free: "gratuita", Minutes: "Minuti", Nothing: "Nessuna chiamata conteggiata nel periodo.",
		Objectives: "Obiettivi", Objective: "Obiettivo", AtMost: "al massimo %s",
		AtLeast: "almeno %s", Verdict: "In questo periodo",
		Terms: "Abbandonata subito: entro %s di attesa di un operatore. Nuova chiamata: entro %s. " +
			"Non è pubblicato nessun conteggio sotto le 10 chiamate, né ciò che lo rivelerebbe.",
		reasons: map[string]string{
			"met": "raggiunto", "missed": "mancato",
			"nothing_measured": "non noto: nulla è stato misurato", "too_few": "non noto: troppo pochi",
			"too_much_unseen": "non noto: troppo non è stato visto",
			"between_bounds":  "non noto: l'obiettivo sta tra i due limiti",
		},
		Formula: "Che cos'è", Numerator: "Numeratore", Denominator: "Denominatore", Source: "Fonte",
		Version: "Versione", Service: "Servizio", decimal: ",",
		names: map[string]string{
			"answer_time_mean":                 "Tempo medio di risposta",
			"answer_time_with_navigation_mean": "Tempo medio di risposta con navigazione",
			"navigation_mean":                  "Tempo medio di navigazione",
			"answered_20s_of_answered":         "Entro 20 s, sulle risposte",
			"answered_20s_of_offered":          "Entro 20 s, sulle offerte",
			"answered_180s_of_answered":        "Entro 180 s, sulle risposte",
			"answered_180s_of_offered":         "Entro 180 s, sulle offerte",
			"wait_best_95_mean":                "Attesa media del miglior 95 %",
			"wait_p95":                         "95° percentile dell'attesa",
			"answer_time_mean_exempt":          "Tempo medio di risposta, esenti",
			"answer_time_mean_others":          "Tempo medio di risposta, altri",
			"transfer_wait_mean":               "Attesa media tra operatori",
			"abandoned":                        "Abbandonate",
			"abandoned_short":                  "Abbandonate subito",
			"cut_waiting":                      "Interrotte in attesa",
			"solved_survey":                    "Risolte, secondo chi chiama",
			"no_repeat_call":                   "Nessuna nuova chiamata",
			"satisfaction_mean":                "Soddisfazione media",
			"satisfied":                        "Soddisfatti (4 o 5)",
			"survey_response":                  "Hanno risposto al questionario",
			"seen":                             "Visto dal gateway",
		},
	},
}

// value writes a figure: 87.0 s, 45.0 %, 3.75, or its two bounds.
func (t texts) value(f Figure) string {
	switch {
	case f.Suppressed:
		return t.Suppressed
	case !f.Known:
		return t.Unknown
	}
	i, _ := quality.Find(f.Indicator)
	low, high := t.number(i.Unit, f.Low), t.number(i.Unit, f.High)
	if low == high {
		return low
	}
	return low + " – " + high
}

func (t texts) number(unit quality.Unit, x float64) string {
	var text string
	switch unit {
	case quality.Share:
		text = fmt.Sprintf("%.1f %%", x*100)
	case quality.Seconds:
		text = fmt.Sprintf("%.1f s", x)
	case quality.Score:
		text = fmt.Sprintf("%.2f", x)
	}
	return t.point(text)
}

func (t texts) point(text string) string { return strings.Replace(text, ".", t.decimal, 1) }

func (t texts) interval(f Figure) string {
	if f.Interval == nil {
		return ""
	}
	return t.number(quality.Share, f.Interval.Low) + " – " + t.number(quality.Share, f.Interval.High)
}

func (t texts) measured(f Figure) string {
	if !f.Known {
		return ""
	}
	return fmt.Sprintf("%d / %d", f.N, f.Of)
}
