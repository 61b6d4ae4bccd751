package console

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/risposta/gateway/internal/live"
	"github.com/risposta/gateway/internal/report"
	"github.com/risposta/gateway/internal/timeline"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/quality"
)

// texts are what the pages say in one language.
type texts struct {
	Lang, Other, OtherName, Language, Title, Skip                  string
	AsOf, Search, SearchHint, SearchButton, Pause, Resume          string
	Live, Lost, Paused, ByHand                                     string
	Now, Calls, Call, PBXs, PBX, Services, Service, Queues, Queue  string
	Operators, Operator, Caller, State, Doing, Since, For, Arrived string
	SoFar, Talk, Waiting, Longest, Talking, NoCalls, Nothing       string
	Offered, Answered, Abandoned, Charged, TalkToday, Today        string
	Objective, Verdict, Indicator, Value, NoObjectives             string
	Sync, Synced, NotSynced, Commits, CommitsOK, CommitsFail       string
	Inbox, Stale, Pending, More, InNoCall                          string
	NotFound, AskFor, SearchBusy, Back, FoundOf, Earlier, NoneOf   string
	Open, Erased, Timeline, From, To, Seconds, What, Why, Price    string
	Outcome, Amount, Reasons, Record, Version, Versions, Evidence  string
	Verified, NotVerified, ChartNote, Free, Yes, IsExempt          string
	Home, UTC, Error, TalkOf, Policy, Tariff, LookedBackTo         string
	Drawing, Frames, Login, LoginNeeded                            string

	decimal  string // the decimal separator
	states   map[string]string
	doing    map[string]string
	reasons  map[string]string // of a record, by their names
	gaps     map[string]string // by their reasons
	outcomes map[string]string
}

var languages = map[string]texts{"en": english, "it": italian}

// StateName is a state of live in words.
func (t texts) StateName(state string) string { return t.states[state] }

// StateText is a call's state with what it does, where that is not the same: an exempt caller may
// wait or talk; and why talk is free.
func (t texts) StateText(c live.CallRow) string {
	text := t.states[c.State]
	switch {
	case c.State == live.Exempt:
		text += ": " + t.doing[c.Doing]
	case c.Why != "":
		text += ": " + t.reasons[string(c.Why)]
	}
	return text
}

// DoingText is what an operator does.
func (t texts) DoingText(doing string) string {
	if doing == "" {
		return t.InNoCall
	}
	return t.doing[doing]
}

// SyncText says whether a PBX is synced, and if not, why.
func (t texts) SyncText(p live.PBXRow) string {
	if p.Synced {
		return t.Synced
	}
	if p.Reason == "" {
		return t.NotSynced
	}
	return t.NotSynced + ": " + t.gap(p.Reason)
}

// MoreText says how many rows a table leaves out.
func (t texts) MoreText(n int) string { return fmt.Sprintf(t.More, n) }

// PendingText says how many records wait.
func (t texts) PendingText(n int64) string { return fmt.Sprintf(t.Pending, n) }

// StaleText says how old what is shown of a PBX is.
func (t texts) StaleText(ms int64) string { return fmt.Sprintf(t.Stale, span(ms)) }

// Money writes an amount.
func (t texts) Money(amount, currency string) string {
	return strings.Replace(amount, ".", t.decimal, 1) + " " + currency
}

// Secs is a time in seconds, to the millisecond.
func (t texts) Secs(ms int64) string {
	return fmt.Sprintf("%d%s%03d", ms/1000, t.decimal, ms%1000)
}

// CallPath is the address of a call's page.
func (t texts) CallPath(call metering.CallID) string { return callPath(t.Lang, call) }

// CallerPath is the address of the calls of a pseudonym.
func (t texts) CallerPath(pseudonym string) string {
	return "/" + t.Lang + "/search?q=" + url.QueryEscape(pseudonym)
}

// ReasonText is a reason of a record in words.
func (t texts) ReasonText(why metering.Reason) string { return t.reasons[string(why)] }

// OutcomeText is what became of a call.
func (t texts) OutcomeText(o metering.Outcome) string { return t.outcomes[string(o)] }

// words are those of the reports: names of indicators, and figures.
func (t texts) words() report.Words { return report.WordsIn(t.Lang) }

// Name is an indicator's name.
func (t texts) Name(indicator string) string { return t.words().Indicator(indicator) }

// Figure is a figure with its unit.
func (t texts) Figure(v quality.Value) string { return t.words().Value(v) }

// Limit is what an objective asks for.
func (t texts) Limit(r quality.Result) string { return t.words().Limit(r) }

// VerdictText says whether an objective is met.
func (t texts) VerdictText(r quality.Result) string { return t.words().Verdict(r) }

// gap is the reason of a gap in words.
func (t texts) gap(why string) string {
	if text, ok := t.gaps[why]; ok {
		return text
	}
	return why
}

// what says what the caller had in a row.
func (t texts) what(r timeline.Row) string {
	switch {
	case r.State == metering.Talking.String():
		text := fmt.Sprintf(t.TalkOf, r.Operator)
		if r.Queue != "" {
			text += " (" + r.Queue + ")"
		}
		return text
	case r.Operator != "":
		return t.doing[r.State] + " (" + r.Operator + ")"
	case r.Queue != "":
		return t.doing[r.State] + " (" + r.Queue + ")"
	}
	return t.doing[r.State]
}

// why says why a row is charged or free.
func (t texts) why(r timeline.Row) string {
	switch r.State {
	case metering.Talking.String():
		return t.reasons[r.Code()]
	case metering.Unseen.String():
		return t.gap(r.Code())
	}
	return t.reasons[r.Code()]
}

// clock is the time of day, in UTC.
func clock(at metering.Time) string {
	if at.IsZero() {
		return "–"
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

// short is a pseudonym that tells callers apart in a table: its page has the whole one.
func short(pseudonym string) string {
	const begin, end = 8, 4
	if len(pseudonym) <= begin+end+1 {
		return pseudonym
	}
	return pseudonym[:begin] + "…" + pseudonym[len(pseudonym)-end:]
}

// minutes is a time in whole minutes.
func minutes(ms int64) int64 { return ms / 60_000 }
