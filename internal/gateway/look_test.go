package gateway

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/internal/live"
	"github.com/risposta/gateway/metering"
)

// openCalls is a worker with so many calls, half of them in talk.
func openCalls(tb testing.TB, n int) *pbxWorker {
	tb.Helper()
	w := sourceless(tb, filepath.Join(tb.TempDir(), "ledger.db"), zap.NewNop())
	w.looks = make(chan chan<- live.PBX)
	frames, _ := calls(tb, n)
	for i, call := range frames {
		inTalk, waiting := call[:36], call[:8]
		for _, f := range [][][]byte{waiting, inTalk}[i%2] {
			w.queue.Put(ari.Frame{Raw: f})
		}
	}
	for w.queue.Len() > 0 {
		if err := w.process(context.Background()); err != nil {
			tb.Fatal(err)
		}
	}
	if got := w.mediator.OpenCalls(); got != n {
		tb.Fatalf("%d calls are open, want %d", got, n)
	}
	return w
}

// Nothing is shown that is not committed: a look waits until it is.
func TestALookSeesWhatIsCommitted(t *testing.T) {
	w := openCalls(t, 2)
	if w.answerable() == nil {
		t.Error("a worker that has committed everything answers no look")
	}
	w.out.Watermark = time.Now()
	if w.answerable() == nil {
		t.Error("a watermark that waits for its commit keeps a look waiting")
	}
	w.mediator.Answer(firstCall(w), metering.Exemption{Verdict: metering.ExemptYes}, &w.out)
	if w.answerable() != nil {
		t.Error("a look is answered before the answer of a lookup is committed")
	}
	if err := w.drain(); err != nil {
		t.Fatal(err)
	}
	if w.answerable() == nil {
		t.Error("after the commit no look is answered")
	}
}

func firstCall(w *pbxWorker) (id metering.CallID) {
	w.mediator.EachCall(func(c *metering.Call) { id = c.ID })
	return id
}

// A worker that does not answer in time is shown as it was last.
func TestASlowWorkerIsShownAsItWas(t *testing.T) {
	w := openCalls(t, 2)
	d := &Gateway{conf: &config.Config{}}
	d.sites.add(&site{workers: []*pbxWorker{w}})
	v := viewer{gateway: d}
	go func() { reply := <-w.looks; reply <- w.look() }()
	if got := v.look(t.Context()); len(got[0].Calls) != 2 || got[0].AsOf.IsZero() {
		t.Fatalf("a worker that answers is shown with %d calls", len(got[0].Calls))
	}
	if got := v.look(t.Context()); len(got[0].Calls) != 2 {
		t.Errorf("a worker that is busy is shown with %d calls, want the 2 of before", len(got[0].Calls))
	}
}

// What a look costs the worker, which does nothing else meanwhile: once every two seconds at most, and
// only while somebody looks.
func BenchmarkLook(b *testing.B) {
	for _, n := range []int{100, 1000} {
		b.Run(fmt.Sprintf("calls=%d", n), func(b *testing.B) {
			w := openCalls(b, n)
			b.ReportAllocs()
			for b.Loop() {
				if len(w.look().Calls) != n {
					b.Fatal("calls are missing")
				}
			}
		})
	}
}

// What a view costs beside the worker: the record of each call if it ended now, sorted, bounded.
func BenchmarkView(b *testing.B) {
	for _, n := range []int{100, 1000} {
		b.Run(fmt.Sprintf("calls=%d", n), func(b *testing.B) {
			w := openCalls(b, n)
			conf := config.Quality{ShortAbandon: 5 * time.Second, RepeatWithin: 24 * time.Hour}
			s := live.State{At: time.Now(), PBXs: []live.PBX{w.look()}, Terms: conf.Terms()}
			b.ReportAllocs()
			for b.Loop() {
				if v := live.New(s); len(v.Calls) == 0 {
					b.Fatal("no call is shown")
				}
			}
		})
	}
}
