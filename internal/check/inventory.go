package check

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/risposta/gateway/ari/native"
	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering/tariff"
)

// Item is one thing that takes part in paid calls, and what a caller pays today because of it.
type Item struct{ Kind, Name, Is, Pays string }

// maxItems bounds the trunks, and the members, that the inventory names of one PBX.
const maxItems = 200

// inventory is what a PBX and the configuration have: services, trunks, patterns of operators,
// members of queues.
func (c Checks) inventory(report native.Report, plan native.Plan, now time.Time) ([]Item, error) {
	rules, err := c.conf.Rules()
	if err != nil {
		return nil, err
	}
	var items []Item
	for _, s := range c.conf.Services {
		items = append(items, Item{
			"service", s.Name, s.Number + "@" + s.Context, pays(rules.Terms(s.Name, now).Tariff),
		})
	}
	trunks := 0
	for _, e := range report.Endpoints {
		if plan.Caller(e) && !plan.Operator(e) && trunks < maxItems {
			trunks++
			items = append(items, Item{"trunk", e, "its calls reach", c.reached(e)})
		}
	}
	for _, pattern := range c.conf.Operators {
		globs, err := mediation.NewGlobs(pattern)
		if err != nil {
			return nil, err
		}
		n := 0
		for _, e := range report.Endpoints {
			if globs.Match(e) {
				n++
			}
		}
		items = append(items, Item{"operators", pattern, fmt.Sprintf("%d endpoints", n),
			"talk as the service has it"})
	}
	for _, m := range report.Members[:min(len(report.Members), maxItems)] {
		is, paid := strings.Join(m.Endpoints, ", "), "nothing: no pattern of operators matches"
		switch {
		case len(m.Endpoints) == 0:
			is, paid = "not known", "what it turns out to be"
		case slices.ContainsFunc(m.Endpoints, plan.Operator):
			paid = "talk as the service has it"
		}
		items = append(items, Item{"member of " + m.Queue, m.Name, is, paid})
	}
	return items, nil
}

// pays is what talk costs by a price.
func pays(t *tariff.Tariff) string {
	if t == nil {
		return "nothing: it has no price today"
	}
	text := fmt.Sprintf("%s %s a minute of talk", t.PerMinute, t.Currency)
	if t.FreeSeconds > 0 {
		text += fmt.Sprintf(", after %d s", t.FreeSeconds)
	}
	if t.CapPerCall != "" {
		text += fmt.Sprintf(", %s at most", t.CapPerCall)
	}
	return text
}

// reached are the services that take calls from an endpoint.
func (c Checks) reached(endpoint string) string {
	var names []string
	for _, s := range c.conf.Services {
		globs, err := mediation.NewGlobs(s.Callers...)
		takes := err == nil && (len(s.Callers) == 0 || globs.Match(endpoint))
		if takes && !slices.Contains(names, s.Name) {
			names = append(names, s.Name)
		}
	}
	if len(names) == 0 {
		return "nothing: no service takes its calls"
	}
	return "service " + strings.Join(names, ", ")
}
