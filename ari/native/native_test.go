package native_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/aritest"
	"github.com/risposta/gateway/ari/native"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// watcher runs a source against a fake PBX, and collects what it says.
type watcher struct {
	t     *testing.T
	pbx   *aritest.PBX
	inbox *ari.Queue
	mu    sync.Mutex
	said  []string
}

func (w *watcher) say(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.said = append(w.said, fmt.Sprintf(format, args...))
}

func (w *watcher) Retrying(err error, _ time.Duration) { w.say("retrying: %v", err) }
func (w *watcher) Lost(reason string, _ error)         { w.say("lost: %s", reason) }
func (w *watcher) Regained(i native.Info, n int, _ time.Duration) {
	w.say("regained: %s %s %d", i.Node, i.SystemName, n)
}
func (w *watcher) Overflowed() { w.say("overflowed") }

func (w *watcher) heard(what string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Contains(strings.Join(w.said, "\n"), what)
}

func watch(t *testing.T, pbx *aritest.PBX, room int, password string) (*watcher, *native.Source) {
	t.Helper()
	w := &watcher{t: t, pbx: pbx, inbox: ari.NewQueue(room)}
	s := native.New(native.Config{URL: pbx.URL(), Username: "risposta", Password: password, Application: "risposta"}, w.inbox, w, nil)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run returned %v after the end of its context, want nil", err)
		}
		pbx.Close()
	})
	return w, s
}

// deadline bounds each wait of these tests.
const deadline = 15 * time.Second

func (w *watcher) until(what string) {
	w.t.Helper()
	end := time.Now().Add(deadline)
	for !w.heard(what) {
		if time.Now().After(end) {
			w.t.Fatalf("waited %s for %q; it said %q", deadline, what, w.said)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// next takes the next frame that is not a canary.
func (w *watcher) next() ari.Frame {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	for {
		for _, f := range w.inbox.Take(1) {
			if !bytes.Contains(f.Raw, []byte(ari.HeartbeatName)) {
				return f
			}
		}
		if w.inbox.Len() == 0 {
			select {
			case <-w.inbox.Ready():
			case <-ctx.Done():
				w.t.Fatalf("no frame came within %s; the source said %q", deadline, w.said)
			}
		}
	}
}

func (w *watcher) wantEvent(kind ari.Kind, reason string) *ari.Event {
	w.t.Helper()
	f := w.next()
	if f.Event == nil || f.Event.Kind != kind || f.Event.Reason != reason {
		w.t.Fatalf("got %+v %s, want %s %s", f.Event, f.Raw, kind, reason)
	}
	return f.Event
}

func (w *watcher) send(frame string) {
	w.t.Helper()
	if err := w.pbx.Send([]byte(frame)); err != nil {
		w.t.Fatal(err)
	}
}

func (w *watcher) wantFrame(want string) {
	w.t.Helper()
	if f := w.next(); string(f.Raw) != want {
		w.t.Fatalf("got %s %+v, want %s", f.Raw, f.Event, want)
	}
}

func TestFirstComesASnapshotThenEveryFrameInOrder(t *testing.T) {
	pbx := aritest.New()
	pbx.Exist(`[{"id":"a","name":"PJSIP/trunk-1","state":"Up"},{"id":"b","name":"PJSIP/agent1-2","state":"Up"},{"id":"c","name":"PJSIP/agent2-3","state":"Ringing"},
		{"id":"d","name":"PJSIP/agent3-4","state":"Up"},{"id":"e","name":"Local/x@y-0;1","state":"Up"}]`,
		`[{"id":"b1","bridge_type":"mixing","channels":["a","b"]}]`, map[string]string{"a": "0", "b": "1"})
	w, _ := watch(t, pbx, 0, "secret")
	snap := w.wantEvent(ari.SnapshotTaken, "").Snapshot
	var holds []ari.Hold
	for _, l := range snap.Legs {
		holds = append(holds, l.Hold)
	}
	want := []ari.Hold{ari.HoldOff, ari.HoldOn, ari.HoldOff, ari.HoldUnknown, ari.HoldOff}
	if !slices.Equal(holds, want) || len(snap.Bridges) != 1 || snap.Node != aritest.Node || snap.At.IsZero() {
		t.Errorf("snapshot %+v, holds %v; want holds %v", snap, holds, want)
	}
	for i := range 100 {
		w.send(fmt.Sprint("frame ", i))
	}
	for i := range 100 {
		w.wantFrame(fmt.Sprint("frame ", i))
	}
}

func TestFramesDuringTheSnapshotComeAfterIt(t *testing.T) {
	pbx := aritest.New()
	pbx.Before(func() {
		if err := pbx.Send([]byte("early")); err != nil {
			t.Error(err)
		}
	})
	w, _ := watch(t, pbx, 0, "secret")
	w.wantEvent(ari.SnapshotTaken, "")
	w.wantFrame("early")
}

func TestALostConnectionIsSaidAndMadeAgain(t *testing.T) {
	w, _ := watch(t, aritest.New(), 0, "secret")
	w.wantEvent(ari.SnapshotTaken, "")
	w.send("one")
	w.wantFrame("one")
	w.pbx.Cut()
	w.wantEvent(ari.Gap, ari.GapConnection)
	w.wantEvent(ari.SnapshotTaken, "")
	w.send("two")
	w.wantFrame("two")
}

func TestSilenceIsLossOfSight(t *testing.T) {
	w, _ := watch(t, aritest.New(), 0, "secret")
	w.wantEvent(ari.SnapshotTaken, "")
	w.pbx.Mute(true)
	w.wantEvent(ari.Gap, ari.GapSilence)
	w.pbx.Mute(false)
	w.wantEvent(ari.SnapshotTaken, "")
}

func TestATakenNameIsNotFoughtFor(t *testing.T) {
	w, _ := watch(t, aritest.New(), 0, "secret")
	w.wantEvent(ari.SnapshotTaken, "")
	w.pbx.Take(true)
	w.send(`{"type":"ApplicationReplaced","application":"risposta"}`)
	w.wantEvent(ari.Gap, ari.GapReplaced)
	w.until(`application "risposta" is already connected`)
	if n := w.pbx.Connects(); n != 1 {
		t.Errorf("%d connections while the name is taken, want only the first", n)
	}
	w.pbx.Take(false)
	w.wantEvent(ari.SnapshotTaken, "")
}

func TestADeafSubscriptionIsNotBelieved(t *testing.T) {
	pbx := aritest.New()
	pbx.Deafen(true)
	w, _ := watch(t, pbx, 0, "secret")
	w.until("not subscribed to all channels")
	if w.inbox.Len() != 0 {
		t.Error("something came from a deaf application")
	}
	pbx.Deafen(false)
	w.wantEvent(ari.SnapshotTaken, "")
}

func TestALongFrameCostsNeitherTheConnectionNorTheMemory(t *testing.T) {
	w, _ := watch(t, aritest.New(), 0, "secret")
	w.wantEvent(ari.SnapshotTaken, "")
	long := `{"type":"ChannelVarset","value":"` + strings.Repeat("a", 2<<20) + `"}`
	w.send(long)
	w.send("after")
	if f := w.next(); f.Total != len(long) || len(f.Raw) >= native.MaxFrame || !bytes.HasPrefix([]byte(long), f.Raw) {
		t.Errorf("got %d bytes of %d, want the front of %d", len(f.Raw), f.Total, len(long))
	}
	w.wantFrame("after")
	if n := w.pbx.Connects(); n != 1 {
		t.Errorf("%d connections, want one", n)
	}
}

func TestOverflowIsLossOfSightUntilThereIsRoom(t *testing.T) {
	w, _ := watch(t, aritest.New(), 8, "secret")
	w.wantEvent(ari.SnapshotTaken, "")
	for i := range 100 { // nobody takes anything meanwhile: the reader must go on reading
		w.send(fmt.Sprint("frame ", i))
	}
	if err := w.pbx.Settle(); err != nil { // all hundred have been read, and nobody stood in the way
		t.Fatal(err)
	}
	w.until("overflowed")
	n := 0
	f := w.next()
	for ; f.Event == nil; f = w.next() {
		if string(f.Raw) != fmt.Sprint("frame ", n) {
			t.Fatalf("got %s, want frame %d", f.Raw, n)
		}
		n++
	}
	if f.Event.Kind != ari.Gap || f.Event.Reason != ari.GapOverflow || n == 0 || n > 8 {
		t.Errorf("after %d frames %+v, want Gap by overflow", n, f.Event)
	}
	w.wantEvent(ari.SnapshotTaken, "")
	w.send("after")
	w.wantFrame("after")
}

func TestResyncOnRequest(t *testing.T) {
	w, s := watch(t, aritest.New(), 0, "secret")
	w.wantEvent(ari.SnapshotTaken, "")
	s.Resync(ari.GapUnreadable)
	w.wantEvent(ari.Gap, ari.GapUnreadable)
	w.wantEvent(ari.SnapshotTaken, "")
}

func TestAWrongPasswordIsNamed(t *testing.T) {
	w, _ := watch(t, aritest.New(), 0, "wrong")
	w.until("the PBX refuses the user or the password (401)")
	if w.heard("wrong") {
		t.Error("the password stands in an error")
	}
}

func TestARefusedPBXIsNotBelieved(t *testing.T) {
	pbx := aritest.New()
	inbox := ari.NewQueue(0)
	w := &watcher{t: t, pbx: pbx, inbox: inbox}
	s := native.New(native.Config{URL: pbx.URL(), Username: "risposta", Password: "secret", Application: "risposta"}, inbox, w,
		func(native.Info) error { return errors.New("a twin") })
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	w.until("a twin")
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	pbx.Close()
	if inbox.Len() != 0 {
		t.Error("something came from a refused PBX")
	}
}
