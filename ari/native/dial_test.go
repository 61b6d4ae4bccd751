package native_test

import (
	"errors"
	"testing"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/aritest"
)

// When another client takes the application's name, the source waits until that client has gone:
// connecting would silence it.
func TestATakenNameIsNotTakenBack(t *testing.T) {
	h := dialled(t)
	h.wantEvent(ari.SnapshotTaken, "")
	h.pbx.NameTaken(true)
	h.send(`{"type":"ApplicationReplaced","application":"risposta"}`)
	h.wantEvent(ari.Gap, ari.GapReplaced)
	h.until(`application "risposta" is already connected`)
	if n := h.pbx.Connects(); n != 1 {
		t.Errorf("%d connections while the name is taken, want only the first", n)
	}
	h.pbx.NameTaken(false)
	h.wantEvent(ari.SnapshotTaken, "")
}

func TestWithoutTheSubscriptionNothingIsDelivered(t *testing.T) {
	pbx := aritest.New()
	t.Cleanup(pbx.Close)
	pbx.Unsubscribe(true)
	h := start(t, pbx, configFor(pbx), 0, nil)
	h.until("not subscribed to all channels")
	if h.queue.Len() != 0 {
		t.Error("frames came from an application without its subscription")
	}
	pbx.Unsubscribe(false)
	h.wantEvent(ari.SnapshotTaken, "")
}

func TestAWrongPasswordIsReported(t *testing.T) {
	pbx := aritest.New()
	t.Cleanup(pbx.Close)
	cfg := configFor(pbx)
	cfg.Password = "wrong"
	h := start(t, pbx, cfg, 0, nil)
	h.until("the PBX refuses the user or the password (401)")
	if h.hasObserved("wrong") {
		t.Error("the password stands in an error")
	}
}

func TestNothingIsDeliveredFromARefusedPBX(t *testing.T) {
	pbx := aritest.New()
	t.Cleanup(pbx.Close)
	h := start(t, pbx, configFor(pbx), 0, func(info ari.Info) error {
		if info.Node != aritest.Node || info.SystemName != "fake" || info.Started.IsZero() {
			t.Errorf("info %+v", info)
		}
		return errors.New("a second PBX with this id")
	})
	h.until("a second PBX with this id")
	h.cancel()
	if h.queue.Len() != 0 {
		t.Error("frames came from a refused PBX")
	}
}
