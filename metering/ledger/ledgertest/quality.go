package ledgertest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/ledger/merkle"
	"github.com/risposta/gateway/metering/quality"
)

// counted are the rows of the ledger.
func counted(t *testing.T, r ledger.QualityReader) (rows []quality.Row) {
	t.Helper()
	var never time.Time
	err := r.Quality(t.Context(), never, never, "", func(row quality.Row) error {
		rows = append(rows, row)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// talked is a version of a call's record in which an operator talked for so long.
func talked(call metering.CallID, version int, talkMs int64) metering.Record {
	r := record(call, version)
	r.TalkMs, r.Outcome = talkMs, metering.Talked
	r.Talk = []metering.Talk{{
		From: r.ArrivedAt, To: metering.Time{Time: r.ArrivedAt.Add(time.Duration(talkMs) * time.Millisecond)},
		Ms: talkMs, Operator: "PJSIP/agent1",
	}}
	return r
}

// of is the talk by service and operator of all rows, in milliseconds.
func of(rows []quality.Row) map[string]int64 {
	sums := map[string]int64{}
	for _, row := range rows {
		sums[row.Service+row.Operator] += row.TalkMs
	}
	return sums
}

// qualityLeaves are the days that have leaves, and the newest leaf of each.
func qualityLeaves(t *testing.T, l ledger.Log) (days []string, newest map[string]merkle.Leaf) {
	t.Helper()
	newest = map[string]merkle.Leaf{}
	err := l.Leaves(t.Context(), func(_ int64, _ string, text []byte) error {
		leaf, err := merkle.ParseLeaf(text)
		if leaf.Kind == merkle.Quality {
			days = append(days, leaf.Record)
			newest[leaf.Record] = leaf
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return days, newest
}

// repeats are rows of so many first calls.
func repeats(key quality.Key, first int64) []quality.Row {
	row := quality.Row{Key: key}
	row.Repeat.First[0] = first
	return []quality.Row{row}
}

// wantRepeats compares how far repeats are counted, and how many first calls there are.
func wantRepeats(t *testing.T, l ledger.Store, until string, first int64) {
	t.Helper()
	day, err := l.RepeatsUntil(t.Context())
	have := int64(0)
	for _, row := range counted(t, l) {
		have += row.Repeat.First[0]
	}
	if err != nil || day != until || have != first {
		t.Errorf("%d first calls up to %q, %v; want %d up to %q", have, day, err, first, until)
	}
}

// qualityTests hold the contracts of ledger.QualityReader and ledger.Repeats.
var qualityTests = map[string]func(*testing.T, Store){
	"Counts come with the record, and change with its versions": func(t *testing.T, s Store) {
		l := s.open(t, ledger.Exclusive)
		first := ledger.Batch{Records: []metering.Record{talked("a", 1, 9000), talked("b", 1, 500)}}
		commit(t, l, ledger.Batch{Opened: opened("a", "b")})
		if rows := counted(t, l); len(rows) != 0 {
			t.Errorf("%+v are counted of open calls", rows)
		}
		commit(t, l, first)
		rows := counted(t, l)
		if got := of(rows); len(got) != 2 || got["help"] != 9500 || got["helpPJSIP/agent1"] != 9500 {
			t.Errorf("talk %v, want 9.5 s of the service and of the operator", got)
		}
		if rows[0].Offered != 2 || rows[0].Day != "2026-11-23" || rows[0].Hour != 12 {
			t.Errorf("%+v, want two calls of 12 o'clock", rows[0])
		}
		supersede(t, l, ledger.Supersession{
			Call: "a", After: 1, Records: []metering.Record{talked("a", 2, 4000), talked("a", 3, 3000)},
		})
		rows = counted(t, l)
		if got := of(rows); got["help"] != 3500 || rows[0].Offered != 2 {
			t.Errorf("talk %v of %d calls, want 3.5 s of two", got, rows[0].Offered)
		}
	},
	"Counts stay when the detail is erased, and after a restart": func(t *testing.T, s Store) {
		l, err := s.Open(ledger.Exclusive)
		if err != nil {
			t.Fatal(err)
		}
		commit(t, l, ledger.Batch{Opened: opened("a")},
			ledger.Batch{Records: []metering.Record{talked("a", 1, 9000)}})
		before := counted(t, l)
		gone := ledger.Supersession{
			Call: "a", After: 1, At: noon, Erased: []metering.Record{talked("a", 1, 9000).Erased("e-1")},
		}
		supersede(t, l, gone)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if after := counted(t, s.open(t, ledger.Exclusive)); !slices.Equal(after, before) {
			t.Errorf("%+v, want %+v", after, before)
		}
	},
	"A batch that is refused counts nothing, one that is repeated counts once": func(t *testing.T, s Store) {
		l := s.open(t, ledger.Exclusive)
		commit(t, l, ledger.Batch{Opened: opened("a")})
		bad := ledger.Batch{Records: []metering.Record{talked("a", 1, 9000), talked("x", 1, 9000)}}
		if err := l.Commit(t.Context(), &bad); err == nil {
			t.Fatal("a record of a call that never arrived was kept")
		}
		if rows := counted(t, l); len(rows) != 0 {
			t.Errorf("%+v are counted", rows)
		}
		good := ledger.Batch{ID: "1", Records: []metering.Record{talked("a", 1, 9000)}}
		commit(t, l, good, good)
		if rows := counted(t, l); rows[0].Offered != 1 {
			t.Errorf("%d calls, want one", rows[0].Offered)
		}
	},
	"Counts are read by day and service": func(t *testing.T, s Store) {
		l := s.open(t, ledger.Exclusive)
		late, other := talked("late", 1, 100), talked("other", 1, 10)
		late.ArrivedAt.Time, other.Service = noon.Add(12*time.Hour), "sales"
		commit(t, l, ledger.Batch{Opened: opened("a", "late", "other")},
			ledger.Batch{Records: []metering.Record{talked("a", 1, 1), late, other}})
		for _, c := range []struct {
			since, until time.Time
			service      string
			want         int64
		}{
			{want: 111}, {service: "sales", want: 10}, {since: noon, until: noon, want: 0},
			{since: noon, until: noon.AddDate(0, 0, 1), want: 11}, {since: noon.AddDate(0, 0, 1), want: 100},
		} {
			var talk int64
			err := l.Quality(t.Context(), c.since, c.until, c.service, func(row quality.Row) error {
				if row.Level() == quality.LevelService {
					talk += row.TalkMs
				}
				return nil
			})
			if err != nil || talk != c.want {
				t.Errorf("%+v: %d ms of talk, %v", c, talk, err)
			}
		}
	},
	"Counts are those of the newest records, whatever comes in between": countsOfNewestRecords,
	"Repeats of a day are added once, and outlive a restart": func(t *testing.T, s Store) {
		l, err := s.Open(ledger.Exclusive)
		if err != nil {
			t.Fatal(err)
		}
		wantRepeats(t, l, "", 0)
		commit(t, l, ledger.Batch{Opened: opened("a")},
			ledger.Batch{Records: []metering.Record{talked("a", 1, 9000)}})
		day := counted(t, l)[0].Key
		for range 2 {
			if err := l.AddRepeats(t.Context(), day.Day, repeats(day, 5)); err != nil {
				t.Fatal(err)
			}
		}
		wantRepeats(t, l, "2026-11-24", 5)
		if err := l.AddRepeats(t.Context(), "2026-11-22", nil); err != nil {
			t.Fatal(err)
		}
		if err := l.AddRepeats(t.Context(), "2026-11-24", repeats(day, 7)); !errors.Is(err, ledger.ErrBroken) {
			t.Errorf("a row of another day: %v, want ErrBroken", err)
		}
		wantRepeats(t, l, "2026-11-24", 5)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		again := s.open(t, ledger.Exclusive)
		wantRepeats(t, again, "2026-11-24", 5)
		if rows := counted(t, again); rows[0].TalkMs != 9000 {
			t.Errorf("%d ms of talk beside the repeats, want 9000", rows[0].TalkMs)
		}
	},
	"Repeats of a day that is in the log enter it again": func(t *testing.T, s Store) {
		signer, _ := keys(t)
		l := s.open(t, ledger.Exclusive)
		commit(t, l, ledger.Batch{Opened: opened("a")},
			ledger.Batch{Records: []metering.Record{talked("a", 1, 9000)}})
		if _, _, err := l.SignLog(t.Context(), noon.AddDate(0, 0, 9), signer); err != nil {
			t.Fatal(err)
		}
		day := counted(t, l)[0].Key
		for range 2 {
			if err := l.AddRepeats(t.Context(), day.Day, repeats(day, 5)); err != nil {
				t.Fatal(err)
			}
		}
		days, newest := qualityLeaves(t, l)
		want := ledger.QualityLeaf(day.Day, counted(t, l))
		if len(days) != 2 || newest[day.Day] != want {
			t.Errorf("%v are in the log, %+v; want %+v too", days, newest, want)
		}
		wantWholeLog(t, l)
	},
	"A day is in the log once it is over, and again with each change": func(t *testing.T, s Store) {
		signer, _ := keys(t)
		l := s.open(t, ledger.Exclusive)
		sign := func(at time.Time) {
			t.Helper()
			if _, _, err := l.SignLog(t.Context(), at, signer); err != nil {
				t.Fatal(err)
			}
		}
		commit(t, l, ledger.Batch{Opened: opened("a")},
			ledger.Batch{Records: []metering.Record{talked("a", 1, 9000)}})
		sign(noon)
		if days, _ := qualityLeaves(t, l); len(days) != 0 {
			t.Errorf("%v are in the log before they are over", days)
		}
		sign(noon.AddDate(0, 0, 1))
		sign(noon.AddDate(0, 0, 1).Add(time.Hour))
		days, newest := qualityLeaves(t, l)
		want := ledger.QualityLeaf("2026-11-23", counted(t, l))
		if !slices.Equal(days, []string{"2026-11-23"}) || newest["2026-11-23"] != want {
			t.Errorf("%v are in the log, %+v; want %+v once", days, newest, want)
		}
		supersede(t, l, ledger.Supersession{
			Call: "a", After: 1, Records: []metering.Record{talked("a", 2, 4000)},
		})
		days, newest = qualityLeaves(t, l)
		want = ledger.QualityLeaf("2026-11-23", counted(t, l))
		if len(days) != 2 || newest["2026-11-23"] != want {
			t.Errorf("%v are in the log, %+v; want %+v too", days, newest, want)
		}
		wantWholeLog(t, l)
	},
}
