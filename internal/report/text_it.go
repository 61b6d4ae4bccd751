package report

//nolint:misspell // Italian
var italian = texts{
	Lang: "it", Title: "Qualità del servizio", Contents: "Indice", Service: "Servizio",
	Nothing: "Nel periodo non è stata conteggiata nessuna chiamata.", PeriodName: "Periodo",
	Period: "dal %s al %s compreso, secondo i giorni di %s", CountedName: "Chiamate conteggiate",
	Counted:    "in %d giorni su %d, la prima il %s, l'ultima il %s",
	PolicyName: "Regole di legge secondo cui i servizi addebitano",
	ShortName:  "Abbandono breve", Short: "entro %s di attesa di un operatore",
	RepeatName: "Chiamata ripetuta", Repeat: "entro %s.",
	Repeats:   "È conteggiata per le chiamate dei giorni precedenti il %s (UTC).",
	NoRepeats: "Non è ancora conteggiata per nessun giorno del periodo.",
	OneDay:    "un giorno", SomeDays: "%d giorni",
	Coverage: "«Misurati» dice su quante chiamate o risposte è calcolato un dato, e quante ce n'erano: " +
		"le altre non sono state viste. Due numeri sono limiti: il dato vero sta tra l'uno e l'altro.",
	Suppressed: "non pubblicato",
	SuppressedNote: "«Non pubblicato» è ciò che risulta da meno di 10 chiamate, e ciò che lo farebbe " +
		"dedurre.",
	Unknown:   "non noto",
	Indicator: "Indicatore",
	Value:     "Valore", Interval: "Intervallo al 95 %", Measured: "Misurati", NOf: "%s su %s",
	Figures: "Indicatori", Definitions: "Definizioni",
	DefinitionsNote: "Dati con definizione o versione diversa non sono confrontabili. Chiamate e tempi " +
		"hanno i nomi dei conteggi del registro. Fa fede il testo inglese, che è nei formati JSON e CSV.",
	Calls: "Chiamate", Waits: "Prima attesa delle chiamate con risposta", Wait: "Attesa",
	WaitsUpTo: "fino a %s s", WaitsMore: "oltre %s s", Months: "Per mese", Month: "Mese",
	Queues: "Per coda", Queue: "Coda", Operators: "Per operatore", Operator: "Operatore",
	Satisfaction: "Soddisfazione, da 1 a 5", Answer: "Risposta",
	Talk:             "Conversazione addebitata e gratuita",
	TalkNotPublished: "Non pubblicata: le chiamate addebitate, o quelle gratuite, sono troppo poche.",
	Kind:             "Conversazione", Charged: "addebitata", Free: "gratuita", Minutes: "Minuti",
	Objectives: "Obiettivi", Objective: "Obiettivo", AtMost: "al massimo %s", AtLeast: "almeno %s",
	Verdict: "In questo periodo", Head: "Stato firmato del registro",
	HeadNote: "I dati sono di un registro il cui giornale era firmato come segue. La firma copre i " +
		"conteggi dei giorni già finiti quando è stata apposta.",
	NoHead:    "Il registro non aveva uno stato firmato quando i dati sono stati calcolati.",
	Numerator: "Numeratore", Denominator: "Denominatore", Source: "Fonte",
	NoSource: "nessuna: non è stato trovato un testo che lo chieda", Version: "versione",
	AsBounds: "Come limiti", Compared: "Imprese a confronto",
	ComparedNote: "Dai rapporti che le imprese hanno pubblicato e firmato. I dati definiti o conteggiati " +
		"in modo diverso non sono confrontati.",
	Companies: "I rapporti", Company: "Impresa", Refused: "Non confrontati", Why: "Perché",
	decimal: ",", thousands: ".",
	reasons: map[string]string{
		"met": "raggiunto", "missed": "mancato", "nothing_measured": "non noto: nulla è stato misurato",
		"too_few": "non noto: troppo pochi", "too_much_unseen": "non noto: troppo non è stato visto",
		"between_bounds": "non noto: l'obiettivo sta tra i due limiti",
		"not_published":  "non pubblicato",
	},
	why: map[string]string{
		"talk": "meno di uno scatto intero", "capped": "oltre il massimo per chiamata",
		"exempt": "chiamante esente", "exemption_unresolved": "non noto se il chiamante è esente",
		"price_forbidden": "la legge vieta un prezzo", "number_refused": "numero non addebitabile",
		"wait_not_told": "durata dell'attesa non detta",
		"wait_charged":  "numero che fa pagare l'attesa", "announced_free": "annunciata gratuita",
		"no_consent": "senza consenso", "not_announced": "prezzo non annunciato",
		"announced_late": "prezzo annunciato in ritardo", "took_over": "parte di un'altra chiamata",
		"direction_unknown": "non noto chi ha chiamato", "no_tariff": "senza prezzo",
		"no_talk": "senza conversazione", "below_increment": "meno di uno scatto",
		"other": "altri motivi",
	},
	names: map[string]string{
		"answer_time_mean":                 "Tempo medio di risposta",
		"answer_time_with_navigation_mean": "Tempo medio di risposta con navigazione",
		"navigation_mean":                  "Tempo medio di navigazione",
		"answered_20s_of_answered":         "Entro 20 s, sulle chiamate con risposta",
		"answered_20s_of_offered":          "Entro 20 s, sulle chiamate ricevute",
		"answered_180s_of_answered":        "Entro 180 s, sulle chiamate con risposta",
		"answered_180s_of_offered":         "Entro 180 s, sulle chiamate ricevute",
		"wait_best_95_mean":                "Attesa media del miglior 95 %",
		"wait_p95":                         "95° percentile dell'attesa",
		"answer_time_mean_exempt":          "Tempo medio di risposta, esenti",
		"answer_time_mean_others":          "Tempo medio di risposta, altri",
		"transfer_wait_mean":               "Attesa media tra un operatore e l'altro",
		"abandoned":                        "Abbandonate",
		"abandoned_short":                  "Abbandono breve",
		"outside_hours":                    "Fuori dall'orario di apertura",
		"cut_waiting":                      "Interrotte in attesa",
		"solved_survey":                    "Risolte, secondo chi chiama",
		"no_repeat_call":                   "Nessuna chiamata ripetuta",
		"satisfaction_mean":                "Soddisfazione media",
		"satisfied":                        "Soddisfatti (4 o 5)",
		"survey_response":                  "Hanno risposto al questionario",
		"seen":                             "Visto dal gateway",
	},
	formulas: map[string]string{
		"answer_time_mean": "Tempo medio dalla scelta di un operatore alla sua risposta. La scelta è " +
			"l'ingresso nella prima coda o, dove il servizio lo prevede, il segno nel dialplan; se prima " +
			"della risposta non c'è stato nessuno dei due, l'arrivo.",
		"answer_time_with_navigation_mean": "Tempo medio dall'arrivo della chiamata alla risposta " +
			"dell'operatore.",
		"navigation_mean": "Tempo medio dall'arrivo all'ingresso nella prima coda, per le chiamate con " +
			"risposta che sono entrate in una coda.",
		"answered_20s_of_answered": "Quota delle prime attese di al massimo 20 s, su tutte le prime attese " +
			"delle chiamate con risposta.",
		"answered_20s_of_offered": "Quota delle chiamate con risposta dopo una prima attesa di al massimo " +
			"20 s, su tutte le chiamate ricevute, comprese quelle di abbandono breve.",
		"answered_180s_of_answered": "Quota delle prime attese di al massimo 180 s, su tutte le prime attese " +
			"delle chiamate con risposta.",
		"answered_180s_of_offered": "Quota delle chiamate con risposta dopo una prima attesa di al massimo " +
			"180 s, su tutte le chiamate ricevute, comprese quelle di abbandono breve.",
		"wait_best_95_mean": "Media del 95 % più breve delle prime attese, il cui numero è arrotondato per " +
			"eccesso.",
		"wait_p95":                "La prima attesa che il 95 % delle attese non supera (rango più vicino).",
		"answer_time_mean_exempt": "Tempo medio di risposta (answer_time_mean) dei chiamanti esenti.",
		"answer_time_mean_others": "Tempo medio di risposta (answer_time_mean) dei chiamanti di cui non è " +
			"noto che siano esenti.",
		"transfer_wait_mean": "Tempo medio tra la conversazione con un operatore e quella con il " +
			"successivo, in attesa (hold) o no.",
		"abandoned": "Quota delle chiamate che il chiamante ha chiuso prima di parlare con un operatore, " +
			"sulle chiamate ricevute; gli abbandoni brevi non sono né tra le une né tra le altre.",
		"abandoned_short": "Quota delle chiamate che il chiamante ha chiuso entro il tempo breve, prima di " +
			"parlare con un operatore, su tutte le chiamate ricevute.",
		"cut_waiting": "Quota delle chiamate che il servizio ha chiuso prima che un operatore parlasse, " +
			"su tutte le chiamate ricevute.",
		"solved_survey": "Quota di chi dice che la questione è risolta, su chi risponde sì o no.",
		"no_repeat_call": "Quota delle prime chiamate dopo le quali lo stesso chiamante non ha richiamato " +
			"il servizio entro i giorni che contano come chiamata ripetuta. Le chiamate con numero nascosto " +
			"sono escluse.",
		"satisfaction_mean": "Soddisfazione media, da 1 a 5, di chi ne ha indicata una.",
		"satisfied":         "Quota dei soddisfatti, 4 o 5, su chi ha indicato una soddisfazione.",
		"survey_response": "Quota delle chiamate con risposta di un operatore che hanno almeno una risposta " +
			"al questionario, che sia stato proposto o no.",
		"outside_hours": "Quota delle chiamate arrivate fuori dall'orario di apertura, su tutte le chiamate. " +
			"Non sono in altri indicatori che no_repeat_call, seen e quelli del questionario.",
		"seen": "Quota del tempo di tutte le chiamate che il gateway ha visto.",
	},
	bounds: map[string]string{
		"the buckets of the waits tell no single wait": "le classi di attesa non dicono la singola attesa",
		"calls seen in part may or may not have been answered in time": "le chiamate viste in parte " +
			"possono aver avuto risposta in tempo o no",
		"calls seen in part may or may not have been abandoned": "le chiamate viste in parte possono " +
			"essere state abbandonate o no",
		"calls seen in part may or may not have been cut": "le chiamate viste in parte possono essere " +
			"state interrotte o no",
	},
	refusals: map[refusal]string{
		absent:       "%[1]s lo ha, %[2]s no",
		definedApart: "%[1]s e %[2]s lo definiscono in modo diverso (%[3]s): %[4]s; %[5]s",
		countedApart: "%[1]s e %[2]s conteggiano con termini diversi (%[3]s): %[4]s; %[5]s",
	},
}
