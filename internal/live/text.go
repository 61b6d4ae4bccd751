package live

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/risposta/gateway/internal/printable"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/quality"
)

// Paint colours a text of a terminal: a call's state, or Bad.
type Paint func(kind, text string) string

// Bad is the kind of what must be looked at.
const Bad = "bad"

// Plain paints nothing.
func Plain(_, text string) string { return text }

// cell is a cell of a table; right-aligned where it is a number.
type cell struct {
	text, kind string
	number     bool
}

func text(s string) cell     { return cell{text: printable.String(s)} }
func number(s string) cell   { return cell{text: s, number: true} }
func count(n int64) cell     { return number(fmt.Sprint(n)) }
func of(kind, s string) cell { return cell{text: printable.String(s), kind: kind} }

// Write writes the view for a terminal, a table for each part.
func (v View) Write(w io.Writer, paint Paint) error {
	var b strings.Builder
	v.writeHead(&b, paint)
	v.writePBXs(&b, paint)
	v.writeServices(&b, paint)
	v.writeQueues(&b, paint)
	v.writeOperators(&b, paint)
	v.writeCalls(&b, paint)
	_, err := io.WriteString(w, b.String())
	return err
}

func (v View) writeHead(b *strings.Builder, paint Paint) {
	total, parts := 0, []string{}
	for _, c := range v.States {
		total += c.Calls
		parts = append(parts, paint(c.State, fmt.Sprintf("%d %s", c.Calls, c.State)))
	}
	fmt.Fprintf(b, "%s UTC   %d open calls: %s\n", v.At.UTC().Format(time.DateTime), total,
		strings.Join(parts, ", "))
	if v.Pending > 0 {
		fmt.Fprintf(b, "%s\n", paint(Bad, fmt.Sprintf("%d records wait for an exemption lookup", v.Pending)))
	}
}

func (v View) writePBXs(b *strings.Builder, paint Paint) {
	rows := [][]cell{{text("PBX"), text("EVENTS"), text("SINCE"), text("LEDGER"), number("WAITING FRAMES"),
		number("CALLS")}}
	for _, p := range v.PBXs {
		events, ledger := text("all received"), text("written")
		if !p.Synced {
			events = of(Bad, strings.TrimSuffix("NOT ALL RECEIVED: "+p.Reason, ": "))
		}
		if !p.Committed {
			ledger = of(Bad, "NOT WRITTEN")
		}
		if p.StaleMs > 0 {
			ledger = of(Bad, fmt.Sprintf("no answer for %d s", p.StaleMs/1000))
		}
		rows = append(rows, []cell{
			text(p.Name), events, text(clock(p.Since)), ledger, count(int64(p.Inbox)), count(int64(p.Calls)),
		})
	}
	table(b, paint, rows, 0)
}

func (v View) writeServices(b *strings.Builder, paint Paint) {
	if len(v.Services) == 0 {
		return
	}
	rows := [][]cell{{text("SERVICE TODAY"), number("CALLS"), number("OFFERED"), number("ANSWERED"),
		number("MEAN WAIT"), number("IN 20 S"), number("ABANDONED"), number("SEEN"),
		number("CHARGED MIN"), text("OBJECTIVES")}}
	for _, s := range v.Services {
		row := []cell{text(s.Name), count(int64(s.Calls)), count(s.Offered), count(s.Answered)}
		for _, name := range []string{"answer_time_mean", "answered_20s_of_answered", "abandoned", "seen"} {
			row = append(row, number(figure(s.Figures, name)))
		}
		row = append(row, count(s.ChargedMs/60_000), objectives(s.Objectives))
		rows = append(rows, row)
	}
	table(b, paint, rows, v.MoreServices)
}

// figure is one of some values: 14.6 s or 83.3 %.
func figure(values []quality.Value, name string) string {
	for _, f := range values {
		i, _ := quality.Find(name)
		switch {
		case f.Indicator != name || !f.Known:
		case i.Unit == quality.Share:
			return fmt.Sprintf("%.1f %%", f.Low*100)
		default:
			return fmt.Sprintf("%.1f s", f.Low)
		}
	}
	return "-"
}

// objectives says how many are met, and which are missed.
func objectives(all []quality.Result) cell {
	met, missed := 0, []string{}
	for _, r := range all {
		switch r.Verdict {
		case quality.Met:
			met++
		case quality.Missed:
			missed = append(missed, r.Indicator)
		case quality.NotKnown:
		}
	}
	if len(all) == 0 {
		return text("-")
	}
	said := fmt.Sprintf("%d of %d met", met, len(all))
	if len(missed) > 0 {
		return of(Bad, said+"; MISSED: "+strings.Join(missed, ", "))
	}
	return text(said)
}

func (v View) writeQueues(b *strings.Builder, paint Paint) {
	if len(v.Queues) == 0 {
		return
	}
	rows := [][]cell{{text("QUEUE"), number("WAITING"), number("LONGEST"), number("TALKING"),
		number("OFFERED TODAY"), number("ANSWERED"), number("ABANDONED")}}
	for _, q := range v.Queues {
		rows = append(rows, []cell{text(q.Name), count(int64(q.Waiting)), number(span(q.LongestMs)),
			count(int64(q.Talking)), count(q.Offered), count(q.Answered), count(q.Abandoned)})
	}
	table(b, paint, rows, v.MoreQueues)
}

func (v View) writeOperators(b *strings.Builder, paint Paint) {
	if len(v.Operators) == 0 {
		return
	}
	rows := [][]cell{{text("OPERATOR"), text("NOW"), number("FOR"), number("ANSWERED TODAY"),
		number("TALK MIN"), text("CALL")}}
	for _, o := range v.Operators {
		doing, long := "-", "-"
		if o.Doing != "" {
			doing, long = o.Doing, span(o.ForMs)
		}
		rows = append(rows, []cell{text(o.Name), text(doing), number(long), count(o.Answered),
			count(o.TalkMs / 60_000), text(string(o.Call))})
	}
	table(b, paint, rows, v.MoreOperators)
}

func (v View) writeCalls(b *strings.Builder, paint Paint) {
	if len(v.Calls) == 0 {
		return
	}
	rows := [][]cell{{text("STATE"), number("FOR"), text("SERVICE"), text("QUEUE"), text("OPERATOR"),
		number("TALK"), number("SO FAR"), text("CALL")}}
	for _, c := range v.Calls {
		state := c.State
		switch {
		case c.State == Exempt:
			state += ": " + c.Doing
		case c.Why != "":
			state += ": " + string(c.Why)
		}
		rows = append(rows, []cell{of(c.State, state), number(span(c.ForMs)), text(c.Service), text(c.Queue),
			text(c.Operator), number(span(c.TalkMs)), number(c.Amount + " " + c.Currency),
			text(string(c.Call))})
	}
	table(b, paint, rows, v.MoreCalls)
}

// table writes rows in columns, and how many more there are.
func table(b *strings.Builder, paint Paint, rows [][]cell, more int) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, c := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(c.text))
		}
	}
	b.WriteString("\n")
	for _, row := range rows {
		var line strings.Builder
		for i, c := range row {
			gap := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c.text))
			said := c.text
			if c.kind != "" {
				said = paint(c.kind, said)
			}
			if c.number {
				line.WriteString(gap + said + "  ")
			} else {
				line.WriteString(said + gap + "  ")
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	if more > 0 {
		fmt.Fprintf(b, "... and %d more\n", more)
	}
}

// clock is a time of day in UTC.
func clock(at metering.Time) string {
	if at.IsZero() {
		return "-"
	}
	return at.UTC().Format(time.TimeOnly)
}

// span is a time in whole seconds: 0:07, 12:34 or 1:02:03.
func span(ms int64) string {
	s := ms / 1000
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}
