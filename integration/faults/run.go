package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/risposta/gateway/ari/aritest"
	"github.com/risposta/gateway/integration/faultfs"
	"github.com/risposta/gateway/integration/lab"
)

// testRun is one run: a gateway on a disk that can fail, and a fake PBX that knows the true talk.
type testRun struct {
	ctx    context.Context
	dir    string
	pbx    *aritest.PBX
	centre *aritest.Centre
	disk   *faultfs.FS
	gw     *lab.Gateway
	rnd    *rand.Rand
	proxy  *proxy
	calls  sync.WaitGroup
}

// result sums up what became of the calls of some runs.
type result struct {
	Runs, Calls, Records, Overcharged, Lost int
	// records that only reconciling with the CEL has made
	Entered     int
	UncoveredMs int64 // talk not charged before reconciling
	LeftMs      int64 // talk not charged after it
	TalkMs      int64
	Notes       []string
}

func (r *result) add(o result) {
	r.Runs += o.Runs
	r.Calls += o.Calls
	r.Records += o.Records
	r.Overcharged += o.Overcharged
	r.Lost += o.Lost
	r.Entered += o.Entered
	r.UncoveredMs += o.UncoveredMs
	r.LeftMs += o.LeftMs
	r.TalkMs += o.TalkMs
	r.Notes = append(r.Notes, o.Notes...)
}

// runFolder begins the name of the folder of each run.
const runFolder = "risposta-faults-"

const config = `
pbx:
  - {name: fake, url: "{{ari}}", username: risposta}
operators: ["PJSIP/agent*"]
services:
  - {number: "1001", context: from-trunk, name: help, tariff: standard, did: "+390612345678"}
law: {policy: it}
tariffs: [{name: standard, per_minute: "0.96", increment: 1s, currency: EUR}]
callers: {country_code: "39"}
ledger: {file: "{{dir}}/disk/ledger.db", key_file: "{{dir}}/key"}
admin: {listen: "{{admin}}"}
`

// The times of a call, long compared with a restart, so that no call starts and ends during one.
var times = aritest.Times{Wait: 300 * time.Millisecond, Talk: 700 * time.Millisecond,
	Hold: 300 * time.Millisecond}

// newTestRun starts the PBX and the gateway, and returns when the gateway meters calls.
func newTestRun(ctx context.Context, binary string, seed uint64) (s *testRun, err error) {
	s = &testRun{ctx: ctx, pbx: aritest.New(), rnd: rand.New(rand.NewPCG(seed, 1))}
	s.centre = aritest.NewCentre(s.pbx, seed)
	if s.dir, err = os.MkdirTemp("", runFolder); err != nil {
		return nil, err
	}
	for _, d := range []string{"platter", "disk"} {
		if err := os.Mkdir(filepath.Join(s.dir, d), 0o700); err != nil {
			return nil, err
		}
	}
	if s.disk, err = faultfs.Mount(filepath.Join(s.dir, "platter"),
		filepath.Join(s.dir, "disk")); err != nil {
		return nil, err
	}
	if s.proxy, err = newProxy(s.pbx.URL()); err != nil {
		return nil, err
	}
	if s.gw, err = lab.NewGateway(binary, s.dir, s.proxy.url(), config); err != nil {
		return nil, err
	}
	s.gw.Setenv("RISPOSTA_PBX_0_PASSWORD", "secret")
	return s, s.start()
}

func (s *testRun) start() error {
	if err := s.gw.Start(); err != nil {
		return err
	}
	return s.gw.WaitReady(s.ctx, 20*time.Second)
}

// restart kills the gateway and starts it again, as systemd does after a crash.
func (s *testRun) restart() error {
	if err := s.gw.Kill(s.ctx); err != nil {
		return err
	}
	return s.start()
}

// traffic starts n calls in the background, one every gap.
func (s *testRun) traffic(n int, gap time.Duration) {
	s.calls.Add(1)
	go func() {
		defer s.calls.Done()
		for range n {
			s.calls.Add(1)
			go func() {
				defer s.calls.Done()
				s.centre.Call(s.ctx, times)
			}()
			time.Sleep(gap) // the rhythm of the traffic
		}
	}()
}

// judge waits until all calls have ended and the gateway has processed them, stops the gateway, and
// compares its ledger with the truth.
func (s *testRun) judge() (r result, err error) {
	s.calls.Wait()
	s.disk.Heal()
	if err := s.gw.WaitReady(s.ctx, 30*time.Second); err != nil {
		return r, err
	}
	err = lab.Until(s.ctx, 20*time.Second, "the open calls to end", func() error {
		_, text, err := s.gw.Get(s.ctx, "/metrics")
		if err == nil && (!strings.Contains(text, "risposta_open_calls{pbx=\"fake\"} 0\n") ||
			!strings.Contains(text, "risposta_inbox_frames{pbx=\"fake\"} 0\n")) {
			err = errors.New("some are open")
		}
		return err
	})
	if err != nil {
		return r, err
	}
	if code, err := s.gw.Terminate(s.ctx); err != nil || code != 0 {
		return r, fmt.Errorf("the gateway ended with %d: %w", code, err)
	}
	before, err := s.records()
	if err != nil {
		return r, err
	}
	if err := s.reconcile(); err != nil {
		return r, err
	}
	after, err := s.records()
	if err != nil {
		return r, err
	}
	if out, code, err := s.gw.Command(s.ctx, "verify"); err != nil || code != 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("verify: exit %d: %s", code, out))
	}
	r.Runs = 1
	for _, t := range s.centre.Truth() {
		r.compare(t, before[t.ID], after[t.ID])
	}
	return r, nil
}

func (s *testRun) records() (map[string][]record, error) {
	out, code, err := s.gw.Command(s.ctx, "records")
	if err != nil || code != 0 {
		return nil, fmt.Errorf("records: exit %d: %w: %s", code, err, out)
	}
	records := map[string][]record{}
	for line := range strings.Lines(out) {
		var rec record
		if err := json.Unmarshal([]byte(line), &rec); err != nil {
			return nil, err
		}
		records[rec.Call] = append(records[rec.Call], rec)
	}
	return records, nil
}

// reconcile does what an operator does after a fault. Its exit status 1 reports calls that stay
// uncertain, which is no failure here.
func (s *testRun) reconcile() error {
	cel := filepath.Join(s.dir, "cel.csv")
	if err := os.WriteFile(cel, []byte(s.centre.CEL()), 0o600); err != nil {
		return err
	}
	out, code, err := s.gw.Command(s.ctx, "reconcile", "--cel", cel, "--node", aritest.Node,
		"--apply")
	if err != nil || code > 1 {
		return fmt.Errorf("reconcile: exit %d: %w: %s", code, err, out)
	}
	return nil
}

type record struct {
	Call   string
	TalkMs int64 `json:"talk_ms"`
	Talk   []struct{ From, To time.Time }
}

// slack is how far a stretch of talk may differ from the truth: both are rounded to milliseconds.
const slack = 2 * time.Millisecond

func (r *result) compare(t aritest.CallTruth, before, after []record) {
	r.Calls++
	r.Records += len(after)
	r.TalkMs += t.TalkMs
	if len(before) > 1 || len(after) != 1 {
		r.Lost++
		r.Notes = append(r.Notes, fmt.Sprintf("call %s has %d records, and %d after reconciling",
			t.ID, len(before), len(after)))
		return
	}
	r.Entered += len(after) - len(before)
	seen := int64(0)
	for _, rec := range before {
		seen = rec.TalkMs
		r.check(t, rec)
	}
	r.check(t, after[0])
	r.UncoveredMs += max(0, t.TalkMs-seen)
	r.LeftMs += max(0, t.TalkMs-after[0].TalkMs)
}

// check counts a record that charges more than the true talk.
func (r *result) check(t aritest.CallTruth, rec record) {
	over := rec.TalkMs > t.TalkMs+int64(len(rec.Talk))*slack.Milliseconds()
	for _, talk := range rec.Talk {
		within := talk.To.Sub(talk.From) <= slack
		for _, truth := range t.Talk {
			within = within || !talk.From.Before(truth[0].Add(-slack)) &&
				!talk.To.After(truth[1].Add(slack))
		}
		over = over || !within
	}
	if over {
		r.Overcharged++
		r.Notes = append(r.Notes,
			fmt.Sprintf("call %s: %d ms charged in %v, the truth is %d ms in %v", t.ID, rec.TalkMs,
				rec.Talk, t.TalkMs, t.Talk))
	}
}

// close stops everything, in any state.
func (s *testRun) close() error {
	err := s.gw.Kill(s.ctx)
	s.proxy.close()
	s.pbx.Close()
	return errors.Join(err, s.disk.Unmount(), os.RemoveAll(s.dir))
}
