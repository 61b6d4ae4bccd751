package tap

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/cluster"
)

// batchAt is a batch of two frames, the nth of a run.
func batchAt(t *testing.T, run uint64, n int) *cluster.Message {
	t.Helper()
	first := cluster.Place{Run: run, Sequence: uint64(2*n + 1)}
	after := cluster.Place{Run: run, Sequence: first.Sequence - 1}
	b := cluster.Batch{Node: "pbx1", First: first, After: after, Frames: []ari.Frame{
		{Raw: []byte(`{"type":"StasisStart"}`)}, {Raw: []byte(`{"type":"StasisEnd"}`)},
	}}
	m, err := b.Message()
	if err != nil {
		t.Fatal(err)
	}
	return &m
}

func open(t *testing.T, folder string, limit int64) *journal {
	t.Helper()
	j, err := openJournal(folder, limit)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.close() })
	return j
}

// places are the first frames of the batches behind a place.
func places(t *testing.T, j *journal, after cluster.Place) (all []cluster.Place) {
	t.Helper()
	c := j.from(after)
	defer c.close()
	for {
		m, err := c.next()
		if err != nil {
			t.Fatal(err)
		}
		if m == nil {
			return all
		}
		all = append(all, m.First)
	}
}

func TestAJournalIsReadFromAnyPlace(t *testing.T) {
	folder := t.TempDir()
	j := open(t, folder, 0)
	for run := range uint64(3) {
		for n := range 10 {
			if err := j.append(batchAt(t, run+1, n)); err != nil {
				t.Fatal(err)
			}
		}
		if err := j.close(); err != nil {
			t.Fatal(err)
		}
		j = open(t, folder, 0)
	}
	for run := uint64(1); run <= 3; run++ {
		for seq := uint64(0); seq <= 20; seq++ {
			got := places(t, j, cluster.Place{Run: run, Sequence: seq})
			if want := int(3-run)*10 + 10 - int(seq/2); len(got) != want {
				t.Errorf("behind %d.%d there are %d batches, want %d", run, seq, len(got), want)
			}
		}
	}
	if node, last := j.end(); node != "pbx1" || last != (cluster.Place{Run: 3, Sequence: 20}) {
		t.Errorf("it ends at %s of %q", last, node)
	}
}

// Wherever a crash has torn the end, what is before it is whole, and what is appended then is read.
func TestATornEndIsCutOff(t *testing.T) {
	folder := t.TempDir()
	j := open(t, folder, 0)
	for n := range 3 {
		if err := j.append(batchAt(t, 1, n)); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(filepath.Join(folder, "0000000000000001.frames"))
	if err != nil {
		t.Fatal(err)
	}
	length := (len(whole) - len(segmentHead)) / 3
	for end := range len(whole) {
		for _, spoilt := range []bool{false, true} {
			torn := t.TempDir()
			text := append([]byte(nil), whole[:end]...)
			if spoilt { // the length of the file is on the disk, and its content is not
				text = append(text, make([]byte, len(whole)-end)...)
			}
			if err := os.WriteFile(filepath.Join(torn, "0000000000000001.frames"), text, 0o600); err != nil {
				t.Fatal(err)
			}
			j, err := openJournal(torn, 0)
			if err != nil {
				if spoilt && end > 0 && end < len(segmentHead) {
					continue // half of the head is there, which no disk writes
				}
				t.Fatalf("cut at %d: %v", end, err)
			}
			want := max(0, end-len(segmentHead)) / length
			if got := len(places(t, j, cluster.Place{})); got != want {
				t.Errorf("cut at %d: %d batches, want %d", end, got, want)
			}
			if err := j.append(batchAt(t, 2, 0)); err != nil {
				t.Fatal(err)
			}
			if got := len(places(t, j, cluster.Place{})); got != want+1 {
				t.Errorf("cut at %d: %d batches behind the cut, want %d", end, got, want+1)
			}
			if err := j.close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestAJournalIsBounded(t *testing.T) {
	j := open(t, t.TempDir(), 0)
	var err error
	n := 0
	for ; err == nil; n++ {
		err = j.append(batchAt(t, 1, n))
	}
	if !errors.Is(err, errFull) {
		t.Fatal(err)
	}
	if bytes, limit := j.size(); bytes > limit || bytes < limit*9/10 {
		t.Errorf("it is full with %d bytes of %d", bytes, limit)
	}
	_, last := j.end()
	if err := j.pass(cluster.Place{Run: last.Run + 1, Sequence: 1}); err != nil {
		t.Fatal(err)
	}
	if got := places(t, j, cluster.Place{}); len(got) != n-1 {
		t.Errorf("a place that the journal has not reached has removed %d batches", n-1-len(got))
	}
	half := cluster.Place{Run: 1, Sequence: last.Sequence / 2}
	if err := j.pass(half); err != nil {
		t.Fatal(err)
	}
	if got := places(t, j, half); len(got) != (n-1)-int(half.Sequence/2) {
		t.Errorf("%d batches are left behind %s of %d", len(got), half, n-1)
	}
	if bytes, limit := j.size(); bytes > limit*6/10 {
		t.Errorf("%d bytes of %d are left of what was passed by half", bytes, limit)
	}
	if err := j.append(batchAt(t, 1, n)); err != nil {
		t.Errorf("there is room, and %v", err)
	}
}

func TestAJournalHasOneTap(t *testing.T) {
	folder := t.TempDir()
	open(t, folder, 0)
	if _, err := openJournal(folder, 0); err == nil {
		t.Error("two have opened one journal")
	}
}

func TestAPositionIsTakenOnce(t *testing.T) {
	r, last := resumeIn(t.TempDir()), cluster.Place{Run: 1, Sequence: 9}
	for _, c := range []struct {
		saved bool
		at    cluster.Place
		want  string
		fails bool
	}{
		{false, last, "", false}, {true, last, "here", false}, {false, last, "", false},
		{true, cluster.Place{Run: 1, Sequence: 8}, "", true}, {false, last, "", false},
	} {
		if c.saved {
			if err := r.save(ari.Position("here"), last); err != nil {
				t.Fatal(err)
			}
		}
		got, err := r.take(c.at)
		if string(got) != c.want || (err != nil) != c.fails {
			t.Errorf("%+v: got %q, %v", c, got, err)
		}
	}
}

func TestWhatWasPassedIsTakenOutOfTheStream(t *testing.T) {
	var s inStream
	for n := range uint64(5) {
		s.add(cluster.Place{Run: 1, Sequence: 10 * (n + 1)}, 100+n)
	}
	for _, c := range []struct{ passed, want uint64 }{{5, 0}, {10, 0}, {20, 101}, {25, 0}, {50, 104}, {99, 0}} {
		if got := s.passed(cluster.Place{Run: 1, Sequence: c.passed}); got != c.want {
			t.Errorf("passed %d: got %d, want %d", c.passed, got, c.want)
		}
	}
}
