package gateway_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"
)

// The first connection of the new run fails before it is used: it is refused, and nothing that the
// PBX kept is lost. The next one resumes.
func TestARefusedConnectionLosesNothing(t *testing.T) {
	pbx, conf, end := stoppedInTalk(t)
	pbx.FailInfo(1)
	r := start(t, pbx, conf)
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	url := "ws://" + conf.PBX[0].Listen.Address
	if err := pbx.Connect(ctx, url, "asterisk", listenPassword, keptHangUp(end)...); err == nil {
		t.Fatal("a connection was taken that could not be used")
	}
	if err := pbx.Connect(ctx, url, "asterisk", listenPassword, keptHangUp(end)...); err != nil {
		t.Fatal(err)
	}
	r.until("record.written", 1)
	r.stop()
	if rec := onlyRecord(t, conf); rec.UnseenMs != 0 || !rec.EndedAt.Equal(end.Truncate(time.Millisecond)) {
		t.Errorf("unseen %d ms, ended at %s; want the end that the PBX kept, %s", rec.UnseenMs, rec.EndedAt, end)
	}
}

// A run that is stopped before it is synced has lost what the PBX kept: the next one must not resume
// from the checkpoint that the first run left.
func TestACheckpointIsSpentOnce(t *testing.T) {
	pbx, conf, end := stoppedInTalk(t)
	snapshot := make(chan struct{}) // closed once the second run takes its snapshot
	var once sync.Once
	pbx.DuringSnapshot(func() {
		once.Do(func() { close(snapshot) })
		pbx.DropHeartbeats(true) // so that it never becomes synced
	})
	r := start(t, pbx, conf)
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	url := "ws://" + conf.PBX[0].Listen.Address
	if err := pbx.Connect(ctx, url, "asterisk", listenPassword, keptHangUp(end)...); err != nil {
		t.Fatal(err)
	}
	<-snapshot
	r.stop()
	pbx.DuringSnapshot(nil)
	pbx.DropHeartbeats(false)
	r = outboundRun(t, pbx, conf)
	r.until("record.written", 1)
	r.stop()
	if strings.Contains(r.log.String(), `"event":"calls.resumed"`) {
		t.Error("a checkpoint was spent twice")
	}
	if rec := onlyRecord(t, conf); rec.EndedAt.After(end) {
		t.Errorf("the call is believed until %s, it was last seen at %s", rec.EndedAt, end)
	}
}
