package ledgertest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/quality"
)

// countModel is what a ledger is to count: its calls' newest records, and those that were erased.
type countModel struct {
	t      *testing.T
	l      ledger.Store
	other  ledger.Store // of another process
	random *rand.Rand
	calls  []metering.CallID
	newest map[metering.CallID]metering.Record
	erased []quality.Row
}

// countsOfNewestRecords compares the counts, after each of many changes, with those made anew from
// the records.
func countsOfNewestRecords(t *testing.T, s Store) {
	seed := uint64(time.Now().UnixNano())
	m := countModel{
		t: t, l: s.open(t, ledger.Exclusive), other: s.open(t, ledger.ReadWrite),
		random: rand.New(rand.NewPCG(seed, 1)), //nolint:gosec // the seed makes it again
		newest: map[metering.CallID]metering.Record{},
	}
	signer, _ := keys(t)
	m.endCalls()
	for step := range 60 {
		switch m.random.IntN(7) {
		case 0:
			m.correct()
		case 3:
			m.refused()
		case 1:
			m.erase()
		case 2:
			at := noon.Add(time.Duration(m.random.IntN(48)) * time.Hour)
			if _, _, err := m.l.SignLog(t.Context(), at, signer); err != nil {
				t.Fatal(err)
			}
		default:
			m.endCalls()
		}
		want := slices.Clone(m.erased)
		for _, r := range m.newest {
			want = append(want, quality.Of(r)...)
		}
		if diff := cmp.Diff(quality.Merge(want), counted(t, m.l), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("seed %d, step %d: %s", seed, step, diff)
		}
	}
	wantWholeLog(t, m.l)
}

// endCalls ends some calls, a few of the day before.
func (m *countModel) endCalls() {
	var opens, ends ledger.Batch
	calls := 1 + m.random.IntN(40)
	if m.random.IntN(8) == 0 {
		calls += 700 // more than a store may leave for later
	}
	for range calls {
		call := metering.CallID(fmt.Sprint("call-", len(m.calls)))
		r := talked(call, 1, 1+m.random.Int64N(400_000))
		r.ArrivedAt.Time = r.ArrivedAt.Add(-time.Duration(m.random.IntN(20)) * time.Hour)
		m.calls, m.newest[call] = append(m.calls, call), r
		opens.Opened = append(opens.Opened, opened(call)...)
		ends.Records = append(ends.Records, r)
	}
	commit(m.t, m.l, opens, ends)
}

// correct gives a call one or two more versions at once.
func (m *countModel) correct() {
	call := m.calls[m.random.IntN(len(m.calls))]
	had, ok := m.newest[call]
	if !ok {
		return // it is erased
	}
	change := ledger.Supersession{Call: call, After: had.Version}
	for i := range 1 + m.random.IntN(2) {
		r := talked(call, had.Version+1+i, m.random.Int64N(400_000))
		r.ArrivedAt = had.ArrivedAt
		change.Records = append(change.Records, r)
		m.newest[call] = r
	}
	by := m.l
	if m.random.IntN(2) == 0 {
		by = m.other
	}
	supersede(m.t, by, change)
}

// refused is a batch of which nothing is kept.
func (m *countModel) refused() {
	b := ledger.Batch{Records: []metering.Record{talked("never-arrived", 1, 9000)}}
	if err := m.l.Commit(m.t.Context(), &b); err == nil {
		m.t.Fatal("a record of a call that never arrived was kept")
	}
}

// erase erases the newest call, where it was not corrected.
func (m *countModel) erase() {
	call := m.calls[len(m.calls)-1]
	r, ok := m.newest[call]
	if !ok || r.Version > 1 {
		return
	}
	supersede(m.t, m.l, ledger.Supersession{
		Call: call, After: 1, At: noon, Erased: []metering.Record{r.Erased("e-" + call)},
	})
	m.erased = append(m.erased, quality.Of(r)...)
	delete(m.newest, call)
}
