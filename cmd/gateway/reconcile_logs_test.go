package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/aritest"
	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
)

// newLedgerDir is a folder with a configuration and a ledger in which the frames are metered as far
// as they go. The lookup answers each call as given.
func newLedgerDir(t *testing.T, frames [][]byte, answer metering.Exemption) (dir string) {
	t.Helper()
	return newLedgerDirWith(t, readConfig, frames, answer)
}

// newLedgerDirWith does the same under a configuration.
func newLedgerDirWith(
	t *testing.T, configuration string, frames [][]byte, answer metering.Exemption,
) (dir string) {
	t.Helper()
	ctx := context.Background()
	dir = t.TempDir()
	path := filepath.Join(dir, "ledger.db")
	text := strings.Replace(configuration, "ledger.db", path, 1)
	file := filepath.Join(dir, "gw.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("RISPOSTA_CONFIG", file)
	conf, err := config.Parse(file, []byte(text), testSecrets, config.AllSecrets, os.ReadFile)
	if err != nil {
		t.Fatal(err)
	}
	rules, err := conf.Rules()
	if err != nil {
		t.Fatal(err)
	}
	l, err := ledger.Open(ctx, path, ledger.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	sign(t, l, path)
	p := mediation.New(rules)
	var out mediation.Output
	for _, f := range frames {
		p.Feed(ari.Frame{Raw: f}, &out)
		for _, ask := range out.Asks {
			p.Answer(ask.Call, answer, &out)
		}
		out.Asks = nil
	}
	p.Finish(&out)
	if err := l.Commit(ctx, &out.Batch); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// around puts a call of the same service, seen in full, before and after some frames. They show that
// the configuration was today's.
func around(frames ...[]byte) [][]byte {
	complete := func(arrival time.Time) [][]byte {
		l := newTwoLogs(arrival)
		l.arrive()
		l.answer(4)
		l.hangUp(26, 26)
		return l.frames
	}
	return slices.Concat(complete(time.Date(2026, 10, 1, 9, 0, 0, 0, time.UTC)), frames,
		complete(time.Date(2027, 4, 1, 9, 0, 0, 0, time.UTC)))
}

// twoLogs is one call as ARI sends it and, written apart, as the CEL has it. Instants are seconds
// after its arrival.
type twoLogs struct {
	arrival  time.Time
	zone     *time.Location // of the CEL's local times; nil: they are written with their offset
	frames   [][]byte
	cel      strings.Builder
	caller   ari.Channel
	operator ari.Channel
	inside   []ari.ChannelID
}

func newTwoLogs(arrival time.Time) *twoLogs {
	caller := ari.ChannelID(fmt.Sprintf("pbx1-%d.0", arrival.Unix()))
	return &twoLogs{
		arrival: arrival,
		caller: ari.Channel{
			ID: caller, Name: "PJSIP/trunk-00000001", State: "Ring", Context: "from-trunk",
			Exten: "1001", Caller: metering.NewNumber("+390612340000"),
		},
		operator: ari.Channel{
			ID: caller + "1", Name: "PJSIP/agent1-00000001", State: "Down", Context: "agents",
		},
	}
}

func (l *twoLogs) at(sec float64) time.Time {
	return l.arrival.Add(time.Duration(sec * float64(time.Second))).Round(time.Millisecond)
}

func (l *twoLogs) send(sec float64, kind ari.Kind, c ari.Channel) {
	ev := ari.Event{Kind: kind, At: l.at(sec), Node: "pbx1", Channel: c}
	if kind == ari.ChannelEnteredBridge || kind == ari.ChannelLeftBridge {
		ev.Bridge = ari.Bridge{ID: "b", Type: "mixing", Channels: l.inside}
	}
	l.frames = append(l.frames, aritest.Frame(ev))
}

func (l *twoLogs) row(sec float64, event string, c ari.Channel, extra string) {
	at := l.at(sec).Format("2006-01-02 15:04:05.000-0700")
	if l.zone != nil {
		at = l.at(sec).In(l.zone).Format("2006-01-02 15:04:05.000")
	}
	fmt.Fprintf(&l.cel, "%q,%q,%q,%q,%q,%q,\"%s\",%q,%q\n", event, at, c.Caller.Clear(), c.ID,
		l.caller.ID, c.Name, strings.ReplaceAll(extra, `"`, `""`), c.Exten, c.Context)
}

const (
	musicRow  = `{"class":"default"}`
	bridgeRow = `{"bridge_id":"b","bridge_technology":"simple_bridge"}`
)

// arrive: the caller hears the queue's music from the first second on.
func (l *twoLogs) arrive() {
	l.send(0, ari.ChannelCreated, l.caller)
	l.caller.App, l.caller.AppData = "Queue", "help"
	l.send(0, ari.ChannelDialplan, l.caller)
	l.send(1, ari.ChannelCreated, l.operator)
	l.row(0, "CHAN_START", l.caller, "")
	l.row(0, "APP_START", l.caller, "")
	l.row(1, "STREAM_BEGIN", l.caller, musicRow)
	l.row(1, "CHAN_START", l.operator, "")
}

// answer connects both.
func (l *twoLogs) answer(sec float64) {
	l.caller.State, l.operator.State = "Up", "Up"
	l.row(sec, "STREAM_END", l.caller, "")
	for _, c := range []ari.Channel{l.operator, l.caller} {
		l.inside = append(l.inside, c.ID)
		l.send(sec, ari.ChannelStateChange, c)
		l.send(sec, ari.ChannelEnteredBridge, c)
		l.row(sec, "ANSWER", c, "")
		l.row(sec, "BRIDGE_ENTER", c, bridgeRow)
	}
}

// hold is the operator's, with music at other instants.
func (l *twoLogs) hold(from, to, musicFrom, musicTo float64) {
	l.send(from, ari.ChannelHold, l.operator)
	l.send(to, ari.ChannelUnhold, l.operator)
	l.music(musicFrom, musicTo)
}

func (l *twoLogs) music(from, to float64) {
	l.row(from, "STREAM_BEGIN", l.caller, musicRow)
	l.row(to, "STREAM_END", l.caller, "")
}

// hangUp is the caller's; the CEL has it at another instant.
func (l *twoLogs) hangUp(sec, inCEL float64) {
	l.send(sec, ari.ChannelHangupRequest, l.caller)
	for _, c := range []ari.Channel{l.caller, l.operator} {
		l.inside = l.inside[:len(l.inside)-1]
		l.send(sec, ari.ChannelLeftBridge, c)
		l.row(inCEL, "BRIDGE_EXIT", c, bridgeRow)
	}
	for _, c := range []ari.Channel{l.operator, l.caller} {
		l.send(sec, ari.ChannelDestroyed, c)
		l.row(inCEL, "HANGUP", c, fmt.Sprintf(`{"hangupsource":%q}`, l.caller.Name))
		l.row(inCEL, "CHAN_END", c, "")
	}
}

// write writes the CEL into the folder.
func (l *twoLogs) write(t *testing.T, dir string) (cel string) {
	t.Helper()
	cel = filepath.Join(dir, "cel.csv")
	if err := os.WriteFile(cel, []byte(l.cel.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return cel
}

// reconcileCEL runs `risposta reconcile` on the folder with a CEL alone.
func reconcileCEL(t *testing.T, dir, cel string, more ...string) (string, int) {
	t.Helper()
	var out, errs bytes.Buffer
	args := append([]string{
		"reconcile", "--config", filepath.Join(dir, "gw.yaml"), "--cel", cel,
	}, more...)
	code := run(context.Background(), args, testSecrets[1:], &out, &errs)
	return out.String() + errs.String(), code
}
