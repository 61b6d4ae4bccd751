package heads

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// fake is a place in memory, and what an Observer was told.
type fake struct {
	mu      sync.Mutex
	kept    []string // heads
	newest  []byte
	away    bool // every request fails
	hangs   bool // every request lasts until its context ends
	differs error
	tries   int
	told    []string
}

func (f *fake) set(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do()
}

func (f *fake) request(ctx context.Context) error {
	f.mu.Lock()
	hangs, away := f.hangs, f.away
	f.tries++
	f.mu.Unlock()
	if hangs {
		<-ctx.Done()
		return ctx.Err()
	}
	if away {
		return errors.New("the place is away")
	}
	return nil
}

func (f *fake) String() string { return "fake" }

func (f *fake) Newest(ctx context.Context) ([]byte, error) {
	if err := f.request(ctx); err != nil {
		return nil, err
	}
	if f.newest == nil {
		return nil, ErrWriteOnly
	}
	return f.newest, nil
}

func (f *fake) Keep(ctx context.Context, line []byte) error {
	if err := f.request(ctx); err != nil {
		return err
	}
	notes, err := Read(line)
	if err != nil {
		return err
	}
	f.set(func() { f.kept = append(f.kept, string(notes[0])) })
	return nil
}

func (f *fake) agrees(context.Context, []byte) error { return f.differs }

func (f *fake) Waiting(string, bool) {}

func (f *fake) NotKept(_ string, _ error, first bool) {
	if first {
		f.set(func() { f.told = append(f.told, "not kept") })
	}
}

func (f *fake) KeptAgain(string) { f.set(func() { f.told = append(f.told, "kept again") }) }

func (f *fake) Differs(string, error) { f.set(func() { f.told = append(f.told, "differs") }) }

func (f *fake) want(t *testing.T, when string, kept, told []string) {
	t.Helper()
	synctest.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	if !slices.Equal(f.kept, kept) || !slices.Equal(f.told, told) {
		t.Errorf("%s: kept %q, told %q; want %q, %q", when, f.kept, f.told, kept, told)
	}
}

func head(note string) Line { return Line{Event: Event, Head: note} }

// Of the heads that wait only the newest is kept, once the place is back; a change is told once.
func TestNewestHeadIsKeptWhenThePlaceIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{}
		first := head("zero")
		k := Start([]Place{f}, f.agrees, f, &first)
		f.want(t, "at the start", []string{"zero"}, nil)
		k.Keep(head("one"))
		f.want(t, "at once", []string{"zero", "one"}, nil)
		f.set(func() { f.away = true })
		for _, note := range []string{"two", "three", "four"} {
			k.Keep(head(note))
			synctest.Wait()
		}
		time.Sleep(time.Hour)
		f.want(t, "while it is away", []string{"zero", "one"}, []string{"not kept"})
		if most := 3 + int(2*time.Hour/maxRetry) + 10; f.tries < 60 || f.tries > most {
			t.Errorf("it was tried %d times in an hour", f.tries)
		}
		f.set(func() { f.away = false })
		time.Sleep(2 * maxRetry)
		f.want(t, "when it is back", []string{"zero", "one", "four"}, []string{"not kept", "kept again"})
		k.Close()
	})
}

// A place that hangs holds up neither the signing nor the end.
func TestPlaceThatHangsHoldsUpNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, other := &fake{hangs: true}, &fake{}
		k := Start([]Place{f, other}, f.agrees, f, nil)
		begin := time.Now()
		for range 1000 {
			k.Keep(head("one"))
		}
		if took := time.Since(begin); took != 0 {
			t.Errorf("keeping waited for %s", took)
		}
		synctest.Wait()
		other.set(func() {
			if len(other.kept) == 0 {
				t.Error("the other place has no head")
			}
		})
		k.Close()
		if took := time.Since(begin); took > closeTimeout {
			t.Errorf("closing took %s", took)
		}
	})
}

// What waits is tried once more at the end.
func TestWaitingHeadIsTriedAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{away: true}
		k := Start([]Place{f}, f.agrees, f, nil)
		time.Sleep(time.Hour)
		k.Keep(head("last"))
		synctest.Wait()
		f.set(func() { f.away = false })
		k.Close()
		f.want(t, "at the end", []string{"last"}, []string{"not kept", "kept again"})
	})
}

// A place is compared before it gets a head, and keeps what it has where the ledger is another.
func TestPlaceIsComparedFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			f          *fake
			kept, told []string
		}{
			{&fake{newest: []byte("old")}, []string{"new"}, nil},
			{&fake{newest: []byte("new")}, nil, nil}, // it has it already
			{&fake{newest: []byte("old"), differs: &DifferError{errors.New("other")}}, nil, []string{"differs"}},
			{&fake{newest: []byte("old"), differs: errors.New("not known")}, nil, []string{"not kept"}},
			{&fake{newest: []byte("old"), away: true}, nil, []string{"not kept"}},
		} {
			first := head("new")
			k := Start([]Place{c.f}, c.f.agrees, c.f, &first)
			c.f.want(t, "at the start", c.kept, c.told)
			if c.f.differs != nil {
				k.Keep(head("newer"))
				c.f.want(t, "later", c.kept, c.told)
			}
			k.Close()
		}
	})
}
