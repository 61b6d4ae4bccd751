package timeline

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/risposta/gateway/metering"
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
		verdict := "free"
		if r.Charged {
			verdict = "CHARGED"
		}
		fmt.Fprintf(tw, "  %s\t%s\t%s\t%s\t%s\t%s\n", r.From.UTC().Format(clock), r.To.UTC().Format(clock), seconds(r.Ms), verdict, r.what(), r.Why)
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
	switch {
	case t.Open:
		b.WriteString("the call has not ended: nothing is charged yet\n\n")
	default:
		r := t.Record
		fmt.Fprintf(b, "%s, %s: %s %s\n\n", r.ArrivedAt.UTC().Format(time.DateOnly), r.Outcome, r.Charge, r.Charge.Currency)
	}
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
	if s := t.Sum; s != nil {
		fmt.Fprintf(b, "talk %s s%s, in whole increments of %d s: %d s at %s %s a minute%s = %s %s exactly%s\n",
			seconds(s.TalkMs), s.less(), s.IncrementSeconds, s.BillableSeconds, s.PerMinute, s.Currency, s.band(), s.Exact, s.Currency, s.capped())
	}
	t.law(b)
	fmt.Fprintf(b, "charged: %s %s, because: %s\n", t.Record.Charge, t.Record.Charge.Currency, reasons(t))
	verdict := "replayed: the same record, byte for byte"
	if !t.Proved {
		verdict = "REPLAYED, IT DOES NOT GIVE THE RECORD IN THE LEDGER: do not bill this call before somebody has looked"
	}
	fmt.Fprintf(b, "evidence: %d frames, %s; %s\n", t.Evidence.Events, t.Evidence.Digest, verdict)
}

func (s *Sum) less() string {
	if s.FreeSeconds == 0 {
		return ""
	}
	return fmt.Sprintf(" less the first %d s", s.FreeSeconds)
}

func (s *Sum) band() string {
	if s.Band == "" {
		return ""
	}
	return fmt.Sprintf(" (band %s, in force when the call arrived)", s.Band)
}

func (s *Sum) capped() string {
	if s.CapPerCall == "" {
		return ""
	}
	return fmt.Sprintf(", at most %s for a call", s.CapPerCall)
}

// law tells under which law the call was charged, what the caller was told, and what is still open.
func (t *Timeline) law(b *strings.Builder) {
	r := t.Record
	if r.Policy != "" {
		fmt.Fprintf(b, "policy %s", r.Policy)
		if len(r.Numbers) > 0 {
			fmt.Fprintf(b, "; led to numbers of kind: %s", strings.Join(r.Numbers, ", "))
		}
		b.WriteString("\n")
	}
	if a := r.Announcement; a != nil {
		switch {
		case a.Free:
			b.WriteString("the caller was told that the call is free\n")
		case a.AnnouncedAt.IsZero():
			b.WriteString("the caller came to the front desk, and could not be told the price\n")
		default:
			fmt.Fprintf(b, "the price (%s) was told up to %s", a.Tariff, a.AnnouncedAt.UTC().Format(clock))
			if a.Consent != "" {
				fmt.Fprintf(b, "; consent %s", a.Consent)
			}
			b.WriteString("\n")
		}
	}
	if r.State == metering.RecordPending {
		b.WriteString("held: nobody could say yet whether the caller is exempt; a later version settles it\n")
	}
}

func reasons(t *Timeline) string {
	var words []string
	for _, r := range t.Record.Reasons {
		words = append(words, string(r))
	}
	return strings.Join(words, ", ")
}

func seconds(ms int64) string { return fmt.Sprintf("%d.%03d", ms/1000, ms%1000) }
