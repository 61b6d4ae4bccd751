package timeline

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
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
		fmt.Fprintf(b, "talk %s s, in whole increments of %d s: %d s at %s %s a minute = %s %s exactly\n",
			seconds(s.TalkMs), s.IncrementSeconds, s.BillableSeconds, s.PerMinute, s.Currency, s.Exact, s.Currency)
	}
	fmt.Fprintf(b, "charged: %s %s, because: %s\n", t.Record.Charge, t.Record.Charge.Currency, reasons(t))
	verdict := "replayed: the same record, byte for byte"
	if !t.Proved {
		verdict = "REPLAYED, IT DOES NOT GIVE THE RECORD IN THE LEDGER: do not bill this call before somebody has looked"
	}
	fmt.Fprintf(b, "evidence: %d frames, %s; %s\n", t.Evidence.Events, t.Evidence.Digest, verdict)
}

func reasons(t *Timeline) string {
	var words []string
	for _, r := range t.Record.Reasons {
		words = append(words, string(r))
	}
	return strings.Join(words, ", ")
}

func seconds(ms int64) string { return fmt.Sprintf("%d.%03d", ms/1000, ms%1000) }
