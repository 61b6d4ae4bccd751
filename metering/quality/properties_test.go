package quality_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/risposta/gateway/metering/quality"
)

func rowsOf(day []life) (rows []quality.Row) {
	for _, l := range day {
		rows = append(rows, quality.Of(l.record())...)
	}
	return rows
}

// flatten names each count of a row by its place in the JSON.
func flatten(t *rapid.T, row quality.Row) (name string, counts tally) {
	text, err := json.Marshal(row.Counts)
	if err != nil {
		t.Fatal(err)
	}
	var tree any
	if err := json.Unmarshal(text, &tree); err != nil {
		t.Fatal(err)
	}
	counts = tally{}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, inner := range v {
				walk(path+"."+k, inner)
			}
		case []any:
			for i, inner := range v {
				walk(fmt.Sprint(path, ".", i), inner)
			}
		case float64:
			if v != 0 {
				counts[path[1:]] = int64(v)
			}
		}
	}
	walk("", tree)
	name = fmt.Sprintf("%s %02d %s", row.Day, row.Hour, row.Service)
	if row.Queue != "" {
		name += " queue " + row.Queue
	}
	if row.Operator != "" {
		name += " operator " + row.Operator
	}
	return name, counts
}

// The sums of the rows are what a count of the calls themselves gives.
func TestSumsAreThoseOfTheCalls(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		day := days.Draw(t, "day")
		want := map[string]tally{}
		for _, l := range day {
			l.count(want)
		}
		have := map[string]tally{}
		for _, row := range quality.Merge(rowsOf(day)) {
			name, counts := flatten(t, row)
			have[name] = counts
		}
		if diff := cmp.Diff(want, have); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAggregatesOfPartsAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		day := days.Draw(t, "day")
		whole := quality.Merge(rowsOf(day))
		cut := rapid.IntRange(0, len(day)).Draw(t, "cut")
		parts := append(quality.Merge(rowsOf(day[:cut])), quality.Merge(rowsOf(day[cut:]))...)
		if diff := cmp.Diff(whole, quality.Merge(parts)); diff != "" {
			t.Errorf("parts: %s", diff)
		}
		shuffled := rapid.Permutation(day).Draw(t, "order")
		if diff := cmp.Diff(whole, quality.Merge(rowsOf(shuffled))); diff != "" {
			t.Errorf("another order: %s", diff)
		}
	})
}

// What an operator has of a call adds up to what the service has; what a queue has, to the calls
// that joined one.
func TestLevelsCountTheSameCallsOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		day := days.Draw(t, "day")
		var service, queued, queues, operators quality.Counts
		for _, l := range day {
			for _, row := range quality.Of(l.record()) {
				switch row.Level() {
				case quality.LevelService:
					service.Add(row.Counts)
					if l.queue != "" {
						queued.Add(row.Counts)
					}
				case quality.LevelQueue:
					queues.Add(row.Counts)
				case quality.LevelOperator:
					operators.Add(row.Counts)
				}
			}
		}
		if diff := cmp.Diff(queued, queues); diff != "" {
			t.Errorf("queues: %s", diff)
		}
		want := quality.Counts{
			Answered: service.Answered, Wait: service.Wait, Navigations: service.Navigations,
			NavigationMs: service.NavigationMs, Transfers: service.Transfers,
			TransferMs: service.TransferMs, TalkMs: service.TalkMs, Operators: service.Operators,
			Survey: service.Survey, Outside: quality.Outside{Answered: service.Outside.Answered},
		}
		if diff := cmp.Diff(want, operators); diff != "" {
			t.Errorf("operators: %s", diff)
		}
		checkSums(t, service)
	})
}

// checkSums holds what must hold of the sums of whole calls.
func checkSums(t *rapid.T, c quality.Counts) {
	if n := c.Answered + c.Abandoned + c.Cut + c.Uncertain; n != c.Offered {
		t.Errorf("%d calls were offered, %d ended", c.Offered, n)
	}
	o := c.Outside
	if n := o.Answered + o.Abandoned + o.Cut + o.Uncertain; n != o.Offered {
		t.Errorf("%d calls were offered outside the opening hours, %d ended", o.Offered, n)
	}
	calls, ms := int64(0), int64(0)
	for i := range c.Wait.Calls {
		calls += c.Wait.Calls[i]
		ms += c.Wait.Ms[i]
	}
	if calls != c.Wait.Count() || ms != c.Wait.SumMs() || calls > c.Answered {
		t.Errorf("%d waits in %d calls: %+v", calls, c.Answered, c.Wait)
	}
	if c.AbandonedWait.Count() != c.Abandoned {
		t.Errorf("%d waits of %d abandoned calls", c.AbandonedWait.Count(), c.Abandoned)
	}
	decided, free := int64(0), int64(0)
	for _, why := range quality.Reasons() {
		decided += c.Reasons.Of(why)
		free += c.FreeMs.Of(why)
	}
	if decided != c.Offered+c.Outside.Offered+c.TookOver || free+c.ChargedMs != c.TalkMs {
		t.Errorf("%d calls with a reason, %d ms free: %+v", decided, free, c)
	}
	if c.Exempt.Offered > c.Offered || c.Exempt.TalkMs > c.TalkMs {
		t.Errorf("exempt callers have more than all: %+v", c)
	}
}

// A store that takes out the rows of the old version and adds those of the new has what it would
// have if there had been the new version alone.
func TestACorrectedRecordCorrects(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		day := days.Draw(t, "day")
		i := rapid.IntRange(0, len(day)-1).Draw(t, "corrected")
		corrected := slices.Clone(day)
		corrected[i] = lives.Draw(t, "correction")
		store := map[quality.Key]quality.Counts{}
		keep := func(rows []quality.Row, change func(*quality.Counts, quality.Counts)) {
			for _, row := range rows {
				sum := store[row.Key]
				change(&sum, row.Counts)
				store[row.Key] = sum
				if sum.IsZero() {
					delete(store, row.Key)
				}
			}
		}
		keep(rowsOf(day), (*quality.Counts).Add)
		keep(rowsOf(day[i:i+1]), (*quality.Counts).Sub)
		keep(rowsOf(corrected[i:i+1]), (*quality.Counts).Add)
		var have []quality.Row
		for k, c := range store {
			have = append(have, quality.Row{Key: k, Counts: c})
		}
		if diff := cmp.Diff(quality.Merge(rowsOf(corrected)), quality.Merge(have)); diff != "" {
			t.Error(diff)
		}
	})
}

// numbers are all counts in a value, however deep.
func numbers(v reflect.Value) (all []reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			all = append(all, numbers(v.Field(i))...)
		}
	case reflect.Array:
		for i := range v.Len() {
			all = append(all, numbers(v.Index(i))...)
		}
	case reflect.Int64:
		all = []reflect.Value{v}
	default:
		panic("a count that is no int64: " + v.String())
	}
	return all
}

var anyCounts = rapid.Custom(func(t *rapid.T) (c quality.Counts) {
	for _, v := range numbers(reflect.ValueOf(&c).Elem()) {
		v.SetInt(rapid.Int64Range(-1000, 1000).Draw(t, "n"))
	}
	return c
})

func TestAddAddsEveryCount(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyCounts.Draw(t, "a"), anyCounts.Draw(t, "b")
		total := a
		total.Add(b)
		as, bs := numbers(reflect.ValueOf(a)), numbers(reflect.ValueOf(b))
		for i, n := range numbers(reflect.ValueOf(total)) {
			if n.Int() != as[i].Int()+bs[i].Int() {
				t.Errorf("count %d: %d and %d make %d", i, as[i].Int(), bs[i].Int(), n.Int())
			}
		}
		if total.Sub(b); total != a {
			t.Error("Sub does not undo Add")
		}
		if total.Sub(a); !total.IsZero() {
			t.Errorf("%+v is not zero", total)
		}
	})
}

func TestRowsReadBackFromJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		row := quality.Row{Key: anna, Counts: anyCounts.Draw(t, "counts")}
		text, err := json.Marshal(row)
		if err != nil {
			t.Fatal(err)
		}
		var back quality.Row
		if err := json.Unmarshal(text, &back); err != nil || back != row {
			t.Errorf("%s: %v, %+v", text, err, back)
		}
	})
	var b quality.ByReason
	if err := json.Unmarshal([]byte(`{"unseen":1}`), &b); err == nil {
		t.Error("a reason that decides no charge was read")
	}
}
