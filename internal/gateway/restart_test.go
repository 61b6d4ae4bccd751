package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/aritest"
	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/internal/timeline"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	_ "github.com/risposta/gateway/metering/ledger/sqlite"
)

// What was read before the end is committed before the end, and open calls go on in the next run.
func TestShutdownDrainsAndTheNextRunGoesOn(t *testing.T) {
	pbx := aritest.New()
	defer pbx.Close()
	conf := configure(t, pbx, t.TempDir(), "")
	r := start(t, pbx, conf)
	r.until("pbx.synced", 1)
	frames := holdTransfer(t)
	const talking = 60 // frames until the first operator talks
	pbx.DropHeartbeats(true) // they have today's time, which the call must not be believed to last to
	for _, f := range frames[:talking] {
		r.send(f)
	}
	r.until("talk.started", 2)
	r.stop()
	pbx.DropHeartbeats(false)
	last := `"event":"gateway.stopped"}`
	if !strings.HasSuffix(strings.TrimSpace(r.log.String()), last) {
		t.Errorf("the last line is not gateway.stopped:\n%s", r.log)
	}
	// In the next run the call still exists, in the same bridge, and neither side is on hold.
	const caller, operator = "pbx1-1795427174.114", "pbx1-1795427175.119"
	pbx.Exist(
		[]ari.Channel{
			{
				ID: caller, Name: "PJSIP/trunk-00000008", State: "Up", Context: "from-trunk", Exten: "1001",
				App: "Queue", AppData: "support",
			},
			{ID: operator, Name: "PJSIP/agent1-00000009", State: "Up", App: "AppQueue"},
		},
		[]ari.Bridge{{
			ID: "b9c7a00e-ad59-4e38-8784-bb2428f2c665", Type: "mixing",
			Channels: []ari.ChannelID{caller, operator},
		}},
		map[ari.ChannelID]ari.Hold{caller: ari.HoldOff, operator: ari.HoldOff},
	)
	r = start(t, pbx, conf)
	r.until("calls.restored", 1)
	r.until("talk.started", 1)
	for _, f := range frames[talking:] {
		r.send(f)
	}
	r.until("record.written", 1)
	r.stop()
	rec := onlyRecord(t, conf)
	// The fake's clock is today's, the recording's is not: nothing of the recording lies in the
	// future of the restart, so no more is counted.
	if rec.TalkMs > 9478 || rec.UnseenMs == 0 {
		t.Errorf("talk %d ms, unseen %d ms; want no more than 9478 and some",
			rec.TalkMs, rec.UnseenMs)
	}
}

// onlyRecord returns the one record of the ledger, whose evidence must give it again.
func onlyRecord(t *testing.T, conf *config.Config) (rec metering.Record) {
	t.Helper()
	ctx := context.Background()
	l, err := ledger.Open(ctx, conf.Ledger.File, ledger.ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}()
	n := 0
	err = l.Records(ctx, ledger.Query{}, func(text []byte) error {
		n++
		if err := json.Unmarshal(text, &rec); err != nil {
			return err
		}
		evidence, err := l.Evidence(ctx, rec.Call)
		if err != nil {
			return err
		}
		tl, err := timeline.New(rec.Call, evidence, text)
		if err != nil {
			return err
		}
		if !tl.Verified {
			t.Errorf("the evidence does not give the record:\n%s\n%s", tl.Record.JSON(), text)
		}
		return nil
	})
	if err != nil || n != 1 {
		t.Errorf("%d records, %v; want one", n, err)
	}
	return rec
}

// The caller and the operator of the tests below.
var (
	caller = ari.Channel{
		ID: "m", Name: "PJSIP/trunk-1", State: "Up", Context: "from-trunk", Exten: "1001",
	}
	operator = ari.Channel{ID: "a", Name: "PJSIP/agent1-2", State: "Up"}
)

func mixing(channels ...ari.ChannelID) ari.Bridge {
	return ari.Bridge{ID: "b", Type: "mixing", Channels: channels}
}

// talk connects the caller with the operator.
func (r *run) talk() {
	r.t.Helper()
	r.happens(ari.Event{Kind: ari.ChannelCreated, Channel: caller})
	r.happens(ari.Event{Kind: ari.ChannelCreated, Channel: operator})
	r.happens(ari.Event{Kind: ari.ChannelEnteredBridge, Channel: caller, Bridge: mixing("m")})
	r.happens(ari.Event{Kind: ari.ChannelEnteredBridge, Channel: operator, Bridge: mixing("m", "a")})
	r.until("talk.started", 1)
	r.pbx.Exist([]ari.Channel{caller, operator}, []ari.Bridge{mixing("m", "a")},
		map[ari.ChannelID]ari.Hold{"m": ari.HoldOff, "a": ari.HoldOff})
}

// outboundRun starts a gateway and lets the PBX connect to it.
func outboundRun(t *testing.T, pbx *aritest.PBX, conf *config.Config, kept ...[]byte) *run {
	t.Helper()
	r := start(t, pbx, conf)
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	url := "ws://" + conf.PBX[0].Listen.Address
	if err := pbx.Connect(ctx, url, "asterisk", listenPassword, kept...); err != nil {
		t.Fatal(err)
	}
	r.until("pbx.synced", 1)
	return r
}

// freeAddress is a port of the loopback that was free a moment ago.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return l.Addr().String()
}

// A PBX that connects to the gateway keeps its events while the gateway restarts. The call ends
// meanwhile, and every second of talk is counted.
func TestARestartLosesNothingOfAnOutboundPBX(t *testing.T) {
	pbx := aritest.New()
	defer pbx.Close()
	conf := configure(t, pbx, t.TempDir(), freeAddress(t))
	r := outboundRun(t, pbx, conf)
	r.talk()
	r.stop()
	r.until(`"event":"checkpoint.saved"`, 1)
	end := pbx.Now()
	pbx.Exist(nil, nil, nil)
	r = outboundRun(t, pbx, conf,
		aritest.Frame(ari.Event{
			Kind: ari.ChannelHangupRequest, At: end, Node: aritest.Node, Channel: caller,
		}),
		aritest.Frame(ari.Event{
			Kind: ari.ChannelDestroyed, At: end, Node: aritest.Node, Channel: caller,
		}))
	r.until(`"event":"calls.resumed"`, 1)
	r.until("record.written", 1)
	r.stop()
	rec := onlyRecord(t, conf)
	if rec.UnseenMs != 0 || rec.TalkMs == 0 || !rec.EndedAt.Equal(end.Truncate(time.Millisecond)) {
		t.Errorf("talk %d ms, unseen %d ms, ended at %s; want all of it until %s",
			rec.TalkMs, rec.UnseenMs, rec.EndedAt, end)
	}
}

// Asterisk is restarted while the gateway is: what it kept is lost, and the call ends, unseen, when
// the gateway last saw it.
func TestARestartOfAsteriskIsNotResumed(t *testing.T) {
	pbx := aritest.New()
	defer pbx.Close()
	conf := configure(t, pbx, t.TempDir(), freeAddress(t))
	r := outboundRun(t, pbx, conf)
	r.talk()
	r.stop()
	stopped := pbx.Now()
	pbx.SetStarted(time.Now().Add(time.Minute).Truncate(time.Millisecond))
	pbx.Exist(nil, nil, nil)
	r = outboundRun(t, pbx, conf)
	r.until(`"event":"calls.not_resumed"`, 1)
	r.until("calls.restored", 1)
	r.until(`"ended_by":"unseen"`, 1)
	r.until("record.written", 1)
	r.stop()
	if rec := onlyRecord(t, conf); rec.EndedAt.After(stopped) {
		t.Errorf("the call ended at %s, want no later than %s", rec.EndedAt, stopped)
	}
}

// A batch that contradicts the ledger can never be committed: the gateway ends with an error,
// rather than retry for ever.
func TestABrokenInvariantEndsTheGateway(t *testing.T) {
	pbx := aritest.New()
	defer pbx.Close()
	conf := configure(t, pbx, t.TempDir(), "")
	l, err := ledger.Open(context.Background(), conf.Ledger.File, ledger.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	const call = "pbx1-1795427174.114" // of the recording: it has its record already
	for _, b := range []ledger.Batch{
		{Opened: []ledger.OpenCall{{Call: call, Node: "x", Service: "help"}}},
		{Records: []metering.Record{{Record: "r", Version: 1, Call: call, Service: "help"}}},
	} {
		if err := l.Commit(context.Background(), &b); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	r := start(t, pbx, conf)
	r.until("pbx.synced", 1)
	for _, f := range holdTransfer(t) {
		if pbx.Send(f) != nil {
			break // the gateway has ended
		}
	}
	select {
	case err := <-r.done:
		if !errors.Is(err, ledger.ErrBroken) {
			t.Errorf("it ended with %v, want ErrBroken", err)
		}
	case <-time.After(deadline):
		t.Errorf("it did not end:\n%s", r.log)
	}
	r.cancel()
}
