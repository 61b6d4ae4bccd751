//go:build live

package console

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/internal/live"
	"github.com/risposta/gateway/internal/pageaudit"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/quality"
	"github.com/risposta/gateway/metering/tariff"
)

// state is a page in a state in which people may meet it.
type state struct {
	path  string // after the language
	serve func(t *testing.T) *site
	ready func(p *pageaudit.Tab, words texts) // waits until the page is in this state; may be nil
}

// states are those of all pages.
func states() map[string]state {
	call := "/calls/" + recordedCall
	return map[string]state{
		"busy":  {"/", serveView(busy()), isLive},
		"plain": {"/", serveView(plain()), isLive}, // docs/page.png
		"empty": {"/", serveView(quiet()), isLive},
		"lost": {"/", serveFull, func(p *pageaudit.Tab, words texts) {
			p.Until(updating, words.Lost)
		}},
		"paused": {"/", serveView(busy()), func(p *pageaudit.Tab, words texts) {
			p.Until(updating, words.Live)
			p.Text(pause)
			p.Until(updating, words.Paused)
		}},
		"failed":   {"/", serveFailed, nil},
		"call":     {call, serveCall(closed), nil},
		"versions": {call, serveCall(corrected), nil},
		"erased":   {call, serveCall(erased), nil},
		"open":     {call, serveCall(open), nil},
		"missing":  {"/calls/nothing", serveCall(closed), nil},
		"found":    {"/search?q=" + caller, serveCall(corrected), nil},
		"none":     {"/search?q=c-mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm", serveCall(closed), nil},
		"unknown":  {"/search?q=nothing", serveCall(closed), nil},
	}
}

const recordedCall = "pbx1-1795427174.114"

func isLive(p *pageaudit.Tab, words texts) { p.Until(updating, words.Live) }

func serveView(v live.View) func(*testing.T) *site {
	return func(t *testing.T) *site {
		s := serve(t, &books{})
		s.console.source = func(context.Context) (live.View, error) { return v, nil }
		return s
	}
}

// serveFull has no room for one more who watches.
func serveFull(t *testing.T) *site {
	s := serveView(busy())(t)
	for range maxWatchers {
		s.console.watchers <- struct{}{}
	}
	return s
}

func serveFailed(t *testing.T) *site {
	s := serve(t, &books{})
	s.fail.Store(true)
	return s
}

// What the ledger has of the recorded call.
const (
	open      = "open"
	closed    = "closed"
	corrected = "corrected" // with a second version, which the evidence does not give
	erased    = "erased"
)

func serveCall(how string) func(*testing.T) *site {
	return func(t *testing.T) *site {
		r, frames := recorded(t)
		if string(r.Call) != recordedCall {
			t.Fatalf("the recorded call is %s", r.Call)
		}
		b := &books{
			records: []metering.Record{r}, evidence: map[metering.CallID][][]byte{r.Call: frames},
		}
		switch how {
		case open:
			b.records, b.evidence[r.Call] = nil, frames[:len(frames)*2/3]
		case corrected:
			later := r
			later.Record, later.Version = "r-x-2", 2
			later.Reasons = []metering.Reason{metering.ReasonExempt, metering.ReasonCredited}
			later.Exempt, later.Charge.Minor = true, 0
			b.records = append(b.records, later)
		case erased:
			delete(b.evidence, r.Call)
		}
		return serve(t, b)
	}
}

// A name that is far too long for any column, and one that no line can break.
const (
	longName     = "a queue whose name somebody made far too long for every column of every table"
	unbrokenName = "an_unbroken_name_of_a_queue_of_a_company_that_has_very_many_queues"
)

// plain is a view of an ordinary hour, with fourteen calls.
func plain() live.View {
	p := live.PBX{
		Name: "milano", Node: "02:00:00:00:00:99", Synced: true, Since: noon.Add(-3 * time.Hour),
		Committed: true, Watermark: noon, AsOf: noon,
	}
	at := func(before int) time.Time { return noon.Add(-time.Duration(before) * time.Second) }
	price := metering.Terms{Tariff: &tariff.Tariff{
		Name: "standard", PerMinute: "0.96", Increment: time.Second, Currency: "EUR",
	}}
	for i := range 14 {
		queue := []string{"support", "sales"}[i%2]
		c := metering.Call{
			ID: metering.CallID(fmt.Sprintf("pbx1-1795427%03d.%d", 170-7*i, 100+3*i)), Service: "assistance",
			Caller: pseudonym(i), Terms: price, ArrivedAt: at(20 + 17*i),
			Segments: []metering.Segment{{State: metering.Waiting, From: at(20 + 17*i)}},
			Queues:   []metering.QueueVisit{{Name: queue, JoinedAt: at(20 + 17*i)}},
		}
		talk := metering.Segment{
			State: metering.Talking, From: at(3 + 15*i), Operator: fmt.Sprint("PJSIP/agent", i), Queue: queue,
		}
		if i > 4 {
			c.Queues[0].LeftAt, c.Segments[0].To = talk.From, talk.From
			c.Segments = append(c.Segments, talk)
		}
		switch i {
		case 3, 6:
			c.Exemption.Verdict = metering.ExemptYes
		case 9:
			held := talk
			held.State, held.From = metering.Held, at(25)
			c.Segments[1].To = held.From
			c.Segments = append(c.Segments, held)
		}
		p.Calls = append(p.Calls, c)
	}
	return live.New(live.State{
		At: noon, Terms: quality.DefaultTerms(), PBXs: []live.PBX{p}, Today: served(noon),
		Objectives: []quality.Objective{
			{Service: "assistance", Indicator: "answer_time_mean", Year: 2026, Limit: 30},
			{Service: "assistance", Indicator: "answered_20s_of_answered", Year: 2026, Limit: 0.8},
		},
	})
}

// pseudonym looks like one of a gateway.
func pseudonym(i int) string {
	sum := sha256.Sum256([]byte{byte(i)})
	return "c-" + strings.ToLower(base32.StdEncoding.EncodeToString(sum[:20]))
}

// served is what sixty calls of a morning count.
func served(until time.Time) (rows []quality.Row) {
	for i := range 60 {
		arrived := until.Add(-time.Duration(i+5) * time.Minute)
		after := func(s int) metering.Time {
			return metering.Time{Time: arrived.Add(time.Duration(s) * time.Second)}
		}
		wait, talk := 4+i*i%31, 40+i*37%200
		r := metering.Record{
			Service: "assistance", ArrivedAt: after(0), EndedAt: after(wait + talk), Outcome: metering.Talked,
			TalkMs: int64(talk) * 1000, WaitedMs: int64(wait) * 1000, BillableSeconds: int64(talk),
			Queues: []metering.QueueEntry{{Name: []string{"support", "sales"}[i%2], JoinedAt: after(0)}},
			Talk: []metering.Talk{{
				From: after(wait), To: after(wait + talk), Ms: int64(talk) * 1000,
				Operator: fmt.Sprint("PJSIP/agent", i%12),
			}},
			Charge:  tariff.Amount{Minor: int64(talk), Digits: 2, Currency: "EUR"},
			Reasons: []metering.Reason{metering.ReasonTalk},
		}
		if i%15 == 0 {
			r.Outcome, r.Talk, r.TalkMs, r.BillableSeconds = metering.Abandoned, nil, 0, 0
			r.Charge.Minor, r.Reasons = 0, []metering.Reason{metering.ReasonNoTalk}
		}
		rows = append(rows, quality.Of(r)...)
	}
	return rows
}

// quiet is a view before the first call of the day.
func quiet() live.View {
	return live.New(live.State{
		At: noon, Terms: quality.DefaultTerms(),
		PBXs: []live.PBX{{Name: "milano", Synced: true, Since: noon, Committed: true, AsOf: noon}},
	})
}

// busy is a view with calls of all kinds, PBXs that fail, and names that are too long.
func busy() live.View {
	at := func(second int) time.Time { return noon.Add(time.Duration(second-70) * time.Second) }
	price := metering.Terms{Tariff: &tariff.Tariff{
		Name: "standard", PerMinute: "0.96", Increment: time.Second, Currency: "EUR",
	}}
	waits := metering.Segment{State: metering.Waiting, From: at(0)}
	in := func(state metering.State, from int, operator string) metering.Segment {
		return metering.Segment{State: state, From: at(from), Operator: operator, Queue: longName}
	}
	calls := [][]metering.Segment{
		{waits}, {waits, in(metering.Talking, 12, "PJSIP/agent1")},
		{waits, in(metering.Talking, 12, "PJSIP/agent2"), in(metering.Held, 50, "PJSIP/agent2")},
		{waits, in(metering.Talking, 8, "PJSIP/"+unbrokenName), in(metering.Unseen, 60, "")},
		{waits, in(metering.Talking, 30, "PJSIP/<script>alert(1)</script>")},
		{waits, in(metering.Talking, 30, "PJSIP/agent5")}, {waits},
	}
	p := live.PBX{
		Name: "milano", Node: "02:00:00:00:00:99", Synced: true, Since: at(0), Committed: true, Inbox: 12,
		Watermark: noon, AsOf: noon,
	}
	for i, segments := range calls {
		for k := range len(segments) - 1 {
			segments[k].To = segments[k+1].From
		}
		c := metering.Call{
			ID: metering.CallID("pbx1-1795427174." + string(rune('1'+i))), Service: "help", Caller: caller,
			Terms: price, ArrivedAt: at(0), Segments: segments,
			Queues: []metering.QueueVisit{{Name: unbrokenName, JoinedAt: at(1)}},
		}
		switch i {
		case 4:
			c.Terms, c.Service = metering.Terms{}, longName
		case 5, 6:
			c.Exemption.Verdict = metering.ExemptYes
		}
		p.Calls = append(p.Calls, c)
	}
	return live.New(live.State{
		At: noon, Terms: quality.DefaultTerms(), Pending: 3, Today: today(at), Objectives: []quality.Objective{
			{Service: "help", Indicator: "answer_time_mean", Year: 2026, Limit: 30},
			{Service: "help", Indicator: "answered_180s_of_answered", Year: 2026, Limit: 0.9},
			{Service: longName, Indicator: "answer_time_mean", Year: 2026, Limit: 30},
		},
		PBXs: []live.PBX{
			p, {Name: "roma", Reason: "connection_lost", Since: at(30), Committed: true, AsOf: noon},
			{Name: "napoli", Synced: true, Since: at(0), AsOf: at(0)},
		},
	})
}

// today is what ten calls count.
func today(at func(int) time.Time) (rows []quality.Row) {
	r := metering.Record{
		Service: "help", ArrivedAt: metering.Time{Time: at(0)}, EndedAt: metering.Time{Time: at(100)},
		Outcome: metering.Talked, TalkMs: 60_000, WaitedMs: 40_000, BillableSeconds: 60,
		Queues:  []metering.QueueEntry{{Name: "support", JoinedAt: metering.Time{Time: at(0)}}},
		Talk:    []metering.Talk{{From: metering.Time{Time: at(40)}, Ms: 60_000, Operator: "PJSIP/agent9"}},
		Charge:  tariff.Amount{Minor: 60, Digits: 2, Currency: "EUR"},
		Reasons: []metering.Reason{metering.ReasonTalk},
	}
	for range 10 {
		rows = append(rows, quality.Of(r)...)
	}
	return rows
}
