package gateway_test

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/aritest"
	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/evidence"
	"github.com/risposta/gateway/metering/ledger"
)

// reloadable is a configuration without what the operator of every country must hear.
const reloadable = `
pbx: [{name: fake, url: URL, username: risposta}]
operators: [OPERATORS]
services: [{number: "1001", context: from-trunk, name: help, tariff: standard, did: "+390612345678"}]
law: {policy: it}
extensions: ["100?"]
tariffs: [{name: standard, per_minute: "PRICE", increment: 1s, currency: EUR}]
callers: {country_code: "39"}
ledger: {file: LEDGER, commit_every: COMMIT}
admin: {listen: "127.0.0.1:0"}
`

// reloadableConfig is reloadable with these values.
func reloadableConfig(url, ledgerFile string, values ...string) (*config.Config, error) {
	text := strings.NewReplacer(append(values, "URL", url, "LEDGER", ledgerFile,
		"COMMIT", "100ms", "PRICE", "0.60", "OPERATORS", `"PJSIP/agent1"`)...).Replace(reloadable)
	env := []string{
		"RISPOSTA_PBX_0_PASSWORD=" + aritest.Password,
		"RISPOSTA_CALLERS_KEY=" + strings.Repeat("0123456789abcdef", 4),
	}
	return config.Parse("gw.yaml", []byte(text), env, config.AllSecrets, os.ReadFile)
}

// A call keeps the price, the law and the operators that it arrived under, and its evidence replays
// to the same bytes; the next call has the new ones. A wrong file changes nothing.
func TestReload(t *testing.T) {
	pbx := aritest.New()
	defer pbx.Close()
	file := t.TempDir() + "/ledger.db"
	conf, err := reloadableConfig(pbx.URL(), file)
	if err != nil {
		t.Fatal(err)
	}
	r := start(t, pbx, conf)
	r.until("pbx.synced", 1)
	load := func(values ...string) {
		r.gateway.Reload(t.Context(), func() (*config.Config, error) {
			return reloadableConfig(pbx.URL(), file, values...)
		})
	}
	r.callOf("first")
	load("PRICE", "not a price")
	r.until("config.refused", 1)
	r.callOf("second")
	load("PRICE", "6.00", "OPERATORS", `"PJSIP/agent2"`, "COMMIT", "200ms")
	r.until("config.reloaded", 1)
	r.until(`"keys":["ledger.commit_every"]`, 1)
	r.callOf("third")
	for _, id := range []ari.ChannelID{"first", "second", "third"} {
		r.happens(ari.Event{Kind: ari.ChannelHangupRequest, Channel: callerOf(id)})
	}
	r.until("record.written", 3)
	r.stop()
	// agent1 talked with all three, and is an operator for the first two only.
	want := map[metering.CallID]struct{ price, operators string }{
		"first":  {"0.60", "PJSIP/agent1"},
		"second": {"0.60", "PJSIP/agent1"},
		"third":  {"6.00", "PJSIP/agent2"},
	}
	for id, w := range want {
		rec, first := replayed(t, file, id)
		c, arrival, err := evidence.ReadCall(first)
		if err != nil {
			t.Fatal(err)
		}
		if got := arrival.Terms.Tariff.PerMinute; got != w.price {
			t.Errorf("%s arrived under %s a minute, want %s", id, got, w.price)
		}
		if got := strings.Join(c.Operators, ","); got != w.operators {
			t.Errorf("%s arrived under the operators %s, want %s", id, got, w.operators)
		}
		if talked := rec.TalkMs > 0; talked != (id != "third") {
			t.Errorf("%s has %d ms of talk", id, rec.TalkMs)
		}
		if !strings.HasPrefix(rec.Tariff, "standard") {
			t.Errorf("%s has the tariff %q", id, rec.Tariff)
		}
	}
}

func callerOf(id ari.ChannelID) ari.Channel {
	c := caller
	c.ID, c.Name, c.App = id, "PJSIP/trunk-"+string(id), "Queue"
	return c
}

// callOf has a caller talk with agent1, on a leg of its own.
func (r *run) callOf(id ari.ChannelID) {
	r.t.Helper()
	from := callerOf(id)
	to := ari.Channel{ID: "a-" + id, Name: "PJSIP/agent1-" + string(id), State: "Up"}
	b := mixing(from.ID, to.ID)
	b.ID = ari.BridgeID("b-" + id)
	r.happens(ari.Event{Kind: ari.ChannelCreated, Channel: from})
	r.happens(ari.Event{Kind: ari.ChannelCreated, Channel: to})
	r.happens(ari.Event{Kind: ari.ChannelEnteredBridge, Channel: from, Bridge: b})
	r.happens(ari.Event{Kind: ari.ChannelEnteredBridge, Channel: to, Bridge: b})
	r.until(`"event":"call.arrived"`, 1)
	for end := time.Now().Add(deadline); !strings.Contains(r.log.String(), `"call":"`+string(id)+`"`); {
		if time.Now().After(end) {
			r.t.Fatalf("call %s did not arrive:\n%s", id, r.log)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// replayed is the record of a call, which its evidence must replay to, byte for byte, and the first
// frame of that evidence.
func replayed(t *testing.T, file string, id metering.CallID) (rec metering.Record, first []byte) {
	t.Helper()
	l, err := ledger.Open(t.Context(), file, ledger.ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}()
	kept, err := l.Record(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	frames, err := l.Evidence(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	_, out, err := mediation.Replay(frames)
	if err != nil || len(out.Records) != 1 {
		t.Fatalf("%s replays to %d records: %v", id, len(out.Records), err)
	}
	again := out.Records[0].JSON()
	if !bytes.Equal(again, kept) {
		t.Errorf("%s replays to\n%s\nthe ledger has\n%s", id, again, kept)
	}
	return out.Records[0], frames[0]
}
