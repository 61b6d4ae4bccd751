package live

import "github.com/risposta/gateway/metering/quality"

// ServiceRow is a service: its calls now, and its indicators of today.
type ServiceRow struct {
	Name      string `json:"name"`
	Calls     int    `json:"calls"`
	Offered   int64  `json:"offered_today"`
	Answered  int64  `json:"answered_today"`
	Abandoned int64  `json:"abandoned_today"`
	Uncertain int64  `json:"uncertain_today"`
	ChargedMs int64  `json:"charged_ms_today"`
	TalkMs    int64  `json:"talk_ms_today"`
	UnseenMs  int64  `json:"unseen_ms_today"`
	// Figures are the indicators that are shown of each service.
	Figures []quality.Value `json:"figures"`
	// Objectives are those of this year, judged by what was counted today.
	Objectives []quality.Result `json:"objectives"`
}

// shown are the indicators of each service.
var shown = []string{
	"answer_time_mean", "wait_p95", "answered_20s_of_answered", "answered_180s_of_answered",
	"abandoned", "seen",
}

type services struct {
	state  State
	counts map[string]*quality.Counts
	all    map[string]*ServiceRow
}

func newServices(s State) services {
	all := services{state: s, counts: map[string]*quality.Counts{}, all: map[string]*ServiceRow{}}
	for _, r := range s.Today {
		if r.Level() != quality.LevelService {
			continue
		}
		all.of(r.Service)
		all.counts[r.Service].Add(r.Counts)
	}
	for _, o := range s.Objectives {
		if o.Year == s.At.UTC().Year() {
			all.of(o.Service)
		}
	}
	return all
}

func (s services) of(name string) *ServiceRow {
	rowOf(s.counts, name, quality.Counts{})
	return rowOf(s.all, name, ServiceRow{Name: name})
}

func (s services) add(c CallRow) { s.of(c.Service).Calls++ }

// rows are by name.
func (s services) rows() []ServiceRow {
	rows := values(s.all)
	for i := range rows {
		row, c := &rows[i], s.counts[rows[i].Name]
		row.Offered, row.Answered, row.Abandoned = c.Offered, c.Answered, c.Abandoned
		row.Uncertain, row.ChargedMs = c.Uncertain, c.ChargedMs
		row.TalkMs, row.UnseenMs = c.TalkMs, c.UnseenMs
		row.Figures, row.Objectives = []quality.Value{}, []quality.Result{}
		for _, name := range shown {
			if indicator, ok := quality.Find(name); ok {
				row.Figures = append(row.Figures, indicator.Measure(*c, s.state.Terms))
			}
		}
		for _, o := range s.state.Objectives {
			if o.Service != row.Name || o.Year != s.state.At.UTC().Year() {
				continue
			}
			// It fails only for an indicator that does not exist, and the configuration names none.
			if r, err := o.Judge(*c, s.state.Terms); err == nil {
				row.Objectives = append(row.Objectives, r)
			}
		}
	}
	return rows
}
