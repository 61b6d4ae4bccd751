package reconcile

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering/tariff"
)

// Overbilling is what Asterisk's CDRs would have billed more than was talked, of one service in one
// month.
type Overbilling struct {
	Month   string // such as 2026-11, UTC
	Service string
	Calls   int           // with a CDR
	CDR     time.Duration // what the CDRs would bill
	Talk    time.Duration // by the CEL
	Price   tariff.Amount // of the difference, each call by the price of its arrival
	Priced  bool          // the service has a price
}

// Overbillings adds up what the CDRs of calls would have billed.
type Overbillings struct {
	rules mediation.Rules
	sums  map[[2]string]*Overbilling
}

// NewOverbillings begins to add up under the prices of some rules.
func NewOverbillings(rules mediation.Rules) *Overbillings {
	return &Overbillings{rules: rules, sums: map[[2]string]*Overbilling{}}
}

// Add adds a call. One that has no CDR, or is not in the CEL, tells nothing.
func (o *Overbillings) Add(l Line) {
	if l.CDR == 0 || l.ArrivedAt.IsZero() {
		return
	}
	month := l.ArrivedAt.UTC().Format("2006-01")
	s := o.sums[[2]string{month, l.Service}]
	if s == nil {
		s = &Overbilling{Month: month, Service: l.Service}
		o.sums[[2]string{month, l.Service}] = s
	}
	s.Calls++
	s.CDR += l.CDR
	s.Talk += l.CEL
	t := o.rules.Terms(l.Service, l.ArrivedAt).Tariff
	if t == nil {
		return
	}
	more := t.Charge(t.Billable(l.CDR))
	more.Minor -= t.Charge(t.Billable(l.CEL)).Minor
	if s.Priced && s.Price.Currency != more.Currency {
		return // two currencies in one month: the seconds tell
	}
	more.Minor += s.Price.Minor
	s.Price, s.Priced = more, true
}

// All are the sums by month and service.
func (o *Overbillings) All() []Overbilling {
	var all []Overbilling
	for _, s := range slices.Collect(maps.Values(o.sums)) {
		all = append(all, *s)
	}
	slices.SortFunc(all, func(a, b Overbilling) int {
		return cmp.Or(cmp.Compare(a.Month, b.Month), cmp.Compare(a.Service, b.Service))
	})
	return all
}
