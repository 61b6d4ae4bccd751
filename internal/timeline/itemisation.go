package timeline

import (
	"fmt"
	"strings"
	"time"

	"github.com/risposta/gateway/metering"
)

// Itemisation is the bill of one call as its caller may read it: what was waiting, what was talk,
// what each costs. It holds neither the caller's number nor the pseudonym.
func Itemisation(r metering.Record) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Call %s on service %s\n", r.Call, r.Service)
	fmt.Fprintf(&b, "From %s to %s (UTC)\nTariff %s\n\n", r.ArrivedAt, r.EndedAt, r.Tariff)
	zero := r.Charge
	zero.Minor = 0
	line := func(what string, ms int64, amount string) {
		d := time.Duration(ms) * time.Millisecond
		fmt.Fprintf(&b, "%-34s %12s %10s %s\n", what, d, amount, r.Charge.Currency)
	}
	line("waiting, announcements, music", r.WaitedMs, zero.String())
	line("on hold", r.HeldMs, zero.String())
	line("not seen", r.UnseenMs, zero.String())
	line("talk with an operator", r.TalkMs, r.Charge.String())
	if r.TaxPercent != "" {
		fmt.Fprintf(&b, "%-47s %10s %s\n", "of which "+r.TaxPercent+"% tax", r.Tax, r.Charge.Currency)
	}
	if r.Charge.Minor > 0 {
		fmt.Fprintf(&b, "\n%d whole seconds of talk were charged. Why: %s.\n",
			r.BillableSeconds, plain(r.Reasons))
	} else {
		fmt.Fprintf(&b, "\nNothing was charged. Why: %s.\n", plain(r.Reasons))
	}
	return b.String()
}

// plain writes reasons without their underscores.
func plain(reasons []metering.Reason) string {
	all := make([]string, 0, len(reasons))
	for _, r := range reasons {
		all = append(all, strings.ReplaceAll(string(r), "_", " "))
	}
	return strings.Join(all, ", ")
}
