package timeline

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/tariff"
)

// clock is how instants are shown within a timeline; the day stands above it.
const clock = "15:04:05.000"

// Write shows the timeline in a terminal.
func (t *Timeline) Write(w io.Writer) error {
	var b strings.Builder
	t.head(&b)
	tw := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "  from (UTC)\tto\tseconds\t\twhat\twhy")
	for _, r := range t.Rows {
		charged := "free"
		if r.Charged {
			charged = "CHARGED"
		}
		fmt.Fprintf(tw, "  %s\t%s\t%s\t%s\t%s\t%s\n", r.From.UTC().Format(clock),
			r.To.UTC().Format(clock), seconds(r.Ms), charged, r.what(), r.Why)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	t.foot(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

func (t *Timeline) head(b *strings.Builder) {
	fmt.Fprintf(b, "call %s  service %s", t.Call, t.Service)
	if t.Caller != "" {
		fmt.Fprintf(b, "  caller %s", t.Caller)
	}
	b.WriteString("\n")
	if t.Open {
		b.WriteString("the call has not ended: nothing is charged yet\n\n")
		return
	}
	r := t.Record
	fmt.Fprintf(b, "%s, %s: %s %s\n\n",
		r.ArrivedAt.UTC().Format(time.DateOnly), r.Outcome, r.Charge, r.Charge.Currency)
}

func (r Row) what() string {
	switch {
	case r.State == "talk":
		s := "talk with " + r.Operator
		if r.Queue != "" {
			s += " (" + r.Queue + ")"
		}
		return s
	case r.State == "held" && r.Operator != "":
		return "on hold with " + r.Operator
	case r.State == "waiting" && r.Queue != "":
		return "in queue " + r.Queue
	}
	return r.State
}

func (t *Timeline) foot(b *strings.Builder) {
	b.WriteString("\n")
	if t.Open {
		fmt.Fprintf(b, "evidence so far: %d frames\n", t.Evidence.Events)
		return
	}
	if t.Rating != nil {
		b.WriteString(t.Rating.text())
	}
	t.policy(b)
	fmt.Fprintf(b, "charged: %s %s, because: %s\n",
		t.Record.Charge, t.Record.Charge.Currency, t.reasons())
	result := "replayed: the same record, byte for byte"
	if !t.Verified {
		result = "VERIFICATION FAILED: replayed, it gives another record than the ledger holds; " +
			"do not bill this call"
	}
	fmt.Fprintf(b, "evidence: %d frames, %s; %s\n", t.Evidence.Events, t.Evidence.Digest, result)
}

func (r *Rating) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "talk %s s", seconds(r.TalkMs))
	if r.FreeSeconds > 0 {
		fmt.Fprintf(&b, " less the first %d s", r.FreeSeconds)
	}
	fmt.Fprintf(&b, ", in whole increments of %d s: %d s at %s %s a minute",
		r.IncrementSeconds, r.BillableSeconds, r.PerMinute, r.Currency)
	if r.Band != "" {
		fmt.Fprintf(&b, " (band %s, in force when the call arrived)", r.Band)
	}
	fmt.Fprintf(&b, " = %s %s exactly", r.Exact, r.Currency)
	if r.CapPerCall != "" {
		fmt.Fprintf(&b, ", at most %s for a call", r.CapPerCall)
	}
	switch r.Tax {
	case tariff.TaxIncluded:
		fmt.Fprintf(&b, ", %s%% tax included", r.TaxPercent)
	case tariff.TaxAdded:
		fmt.Fprintf(&b, ", with %s%% tax", r.TaxPercent)
	}
	b.WriteString("\n")
	return b.String()
}

// policy shows the law under which the call was charged, what the caller heard, and what is
// pending.
func (t *Timeline) policy(b *strings.Builder) {
	r := t.Record
	if r.Policy != "" {
		fmt.Fprintf(b, "policy %s", r.Policy)
		if len(r.Numbers) > 0 {
			fmt.Fprintf(b, "; led to numbers of kind: %s", strings.Join(r.Numbers, ", "))
		}
		b.WriteString("\n")
	}
	if a := r.Announcement; a != nil {
		b.WriteString(announced(a) + waitTold(a))
	}
	if r.State == metering.RecordPending {
		b.WriteString("pending: no exemption lookup has answered yet; a later version of the record " +
			"resolves the charge\n")
	}
}

func announced(a *metering.Announcement) string {
	switch {
	case a.Free:
		return "the front desk announced that the call is free\n"
	case a.AnnouncedAt.IsZero():
		return "the front desk could not announce the price\n"
	case a.Consent == "":
		return fmt.Sprintf("the front desk announced the price (%s) until %s\n",
			a.Tariff, a.AnnouncedAt.UTC().Format(clock))
	}
	return fmt.Sprintf("the front desk announced the price (%s) until %s; consent %s\n",
		a.Tariff, a.AnnouncedAt.UTC().Format(clock), a.Consent)
}

// waitTold shows what the caller was told of the wait.
func waitTold(a *metering.Announcement) string {
	told := a.WaitToldAt.UTC().Format(clock)
	switch {
	case a.WaitToldAt.IsZero():
		return ""
	case a.WaitSeconds == 0:
		return fmt.Sprintf("the front desk announced until %s that the wait is free and its length not known\n",
			told)
	}
	return fmt.Sprintf("the front desk announced until %s that the wait is free and expected to take %d min\n",
		told, a.WaitSeconds/60)
}

func (t *Timeline) reasons() string {
	var all []string
	for _, r := range t.Record.Reasons {
		all = append(all, string(r))
	}
	return strings.Join(all, ", ")
}

func seconds(ms int64) string { return fmt.Sprintf("%d.%03d", ms/1000, ms%1000) }
