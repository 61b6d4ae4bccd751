package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// recordedConfig meters the calls of the recordings.
func recordedConfig() string {
	var services strings.Builder
	for _, number := range []string{"1001", "1007", "2001", "2002"} {
		fmt.Fprintf(&services, "  - {number: %q, context: from-trunk, name: s%s, tariff: standard, "+
			"did: \"+390612345678\"}\n", number, number)
	}
	return strings.NewReplacer(
		`["PJSIP/agent*"]`, `["PJSIP/agent*", "PJSIP/op*"]`,
		`  - {number: "1001", context: from-trunk, name: help, tariff: standard, `+
			`did: "+390612345678"}`+"\n", services.String(),
		`["100?"]`, `["100?", "200?", "3??"]`,
	).Replace(readConfig)
}

// talkOfFacts is the talk of a recording that was worked out by hand, over all its calls.
func talkOfFacts(t *testing.T, file string) (ms int64) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) < 3 || f[0] != "talks" {
			continue
		}
		from, err := time.Parse("15:04:05.000", f[1])
		if err != nil {
			t.Fatal(err)
		}
		to, err := time.Parse("15:04:05.000", f[2])
		if err != nil {
			t.Fatal(err)
		}
		ms += to.Sub(from).Milliseconds()
	}
	return ms
}

// Whatever a run has written, a second one writes nothing; and none counts more talk than there
// was. Each recording is cut at a random frame, or is in the CEL alone.
func TestReconcileTwiceIsAsOnce(t *testing.T) {
	files, err := filepath.Glob("../../integration/testdata/traces/*/facts.txt")
	if err != nil || len(files) < 40 {
		t.Fatalf("%d recordings, %v", len(files), err)
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, seed))
	written := 0
	for _, file := range files {
		recording := filepath.Dir(file)
		text, err := os.ReadFile(filepath.Join(recording, "ari.jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		frames := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
		seen := rnd.IntN(2) * (1 + rnd.IntN(len(frames)))
		t.Run(fmt.Sprintf("%s/%d", filepath.Base(recording), seen), func(t *testing.T) {
			written += reconcileTwice(t, recording, frames[:seen])
		})
	}
	if written == 0 {
		t.Error("no run has written anything")
	}
}

func reconcileTwice(t *testing.T, recording string, seen [][]byte) (written int) {
	t.Helper()
	all := around()
	if len(seen) > 0 { // what is open goes on unseen from the last frame
		all = append(all[:len(all)/2], seen...)
	}
	dir := newLedgerDirWith(t, recordedConfig(), all, notExempt)
	text, err := os.ReadFile(filepath.Join(recording, "cel.csv"))
	if err != nil {
		t.Fatal(err)
	}
	var cel strings.Builder
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSuffix(line, "\n"); strings.Count(line, `","`) < 8 {
			line += `,"2001","from-trunk"` // as cel_custom.conf has it since
		}
		cel.WriteString(line + "\n")
	}
	file := filepath.Join(dir, "cel.csv")
	if err := os.WriteFile(file, []byte(cel.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	node := "pbx1"
	if len(seen) > 0 {
		node = between(string(seen[0]), `"asterisk_id":"`, `"`)
	}
	args := []string{"--zone", "UTC", "--apply", "--node", node}
	first, _ := reconcileCEL(t, dir, file, args...)
	ledger := filepath.Join(dir, "ledger.db")
	after, _ := cli(t, "records", "--ledger", ledger)
	second, _ := reconcileCEL(t, dir, file, args...)
	again, _ := cli(t, "records", "--ledger", ledger)
	if strings.Contains(second, "written") || after != again {
		t.Errorf("the second run wrote:\n%s\nafter the first:\n%s", second, first)
	}
	if out, code := cli(t, "verify", "--ledger", ledger); code != 0 {
		t.Errorf("verify: exit %d:\n%s", code, out)
	}
	talk := int64(0)
	for line := range strings.Lines(again) {
		var r struct {
			TalkMs    int64     `json:"talk_ms"`
			ArrivedAt time.Time `json:"arrived_at"`
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		if r.ArrivedAt.Year() == 2026 && r.ArrivedAt.Month() == time.November {
			talk += r.TalkMs
		}
	}
	if most := talkOfFacts(t, filepath.Join(recording, "facts.txt")) + 60; talk > most {
		t.Errorf("%d ms of talk, at most %d were some:\n%s%s", talk, most, first, again)
	}
	return strings.Count(first, "written")
}
