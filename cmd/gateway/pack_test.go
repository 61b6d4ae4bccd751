package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/internal/rerating"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
)

// packed is the pack of a call that has a second version, with the keys that it is verified by.
func packed(t *testing.T) (folder, keys string) {
	t.Helper()
	path, _ := signedLedger(t)
	call := firstCall(t, path)
	using(t, path, ledger.ReadWrite, func(l ledger.Store) error {
		e := metering.Exemption{Verdict: metering.ExemptYes, Ref: "e-1"}
		_, err := rerating.Supersede(t.Context(), l, call,
			rerating.Resolved(e, metering.ReasonCredited, time.Now()))
		return err
	})
	using(t, path, ledger.ReadWrite, func(l ledger.Store) error {
		sign(t, l, path)
		return nil
	})
	folder = filepath.Join(t.TempDir(), "pack")
	out, code := cli(t, "dispute", "pack", "--ledger", path, "--into", folder, string(call))
	if code != 0 {
		t.Fatalf("exit %d: %s", code, out)
	}
	return folder, path + ".key.pub"
}

func TestVerifyPackShowsAllVersions(t *testing.T) {
	folder, keys := packed(t)
	out, code := cli(t, "verify", "--key", keys, "--pack", folder)
	if code != 0 || !containsAll(out, "version 1", "0.14 EUR", "version 2", "0.00 EUR") {
		t.Errorf("exit %d:\n%s", code, out)
	}
}

// Whatever is changed in a pack is named, also a superseded version that is to pass for the last.
func TestVerifyPackNamesChanges(t *testing.T) {
	change := func(name, old, with string) func(t *testing.T, folder string) {
		return func(t *testing.T, folder string) {
			t.Helper()
			file := filepath.Join(folder, name)
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			changed := strings.Replace(string(text), old, with, 1)
			if changed == string(text) {
				t.Fatalf("%s has no %q", name, old)
			}
			if err := os.WriteFile(file, []byte(changed), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, c := range map[string]struct {
		change func(t *testing.T, folder string)
		want   string
	}{
		"the charge": {change("record.json", `"amount":"0.00"`, `"amount":"9.99"`),
			"the last is not version 2 as it is here, with 9.99 EUR"},
		"a frame": {change("evidence.jsonl", `"type":"ChannelUnhold"`, `"type":"ChannelHold"`),
			"the last is not version 2 as it is here"},
		"the itemisation": {change("itemisation.txt", "0.00 EUR", "0.01 EUR"),
			"itemisation.txt is not what the evidence gives"},
		"the timeline": {change("timeline.txt", "free", "CHARGED"),
			"timeline.txt is not what the evidence gives"},
		"a superseded version": {supersededPack, "the proof of another record"},
		"a file is missing": {func(t *testing.T, folder string) {
			if err := os.Remove(filepath.Join(folder, "proof.txt")); err != nil {
				t.Fatal(err)
			}
		}, "proof.txt"},
	} {
		t.Run(name, func(t *testing.T) {
			folder, keys := packed(t)
			c.change(t, folder)
			out, code := cli(t, "verify", "--key", keys, "--pack", folder)
			if code != exitFailed || !strings.Contains(out, c.want) {
				t.Errorf("exit %d, want %q:\n%s", code, c.want, out)
			}
		})
	}
}

// supersededPack cuts the evidence before the frame that made the second version, and puts the first
// in its place, made as the pack would have had it.
func supersededPack(t *testing.T, folder string) {
	t.Helper()
	path, _ := signedLedger(t)
	first := filepath.Join(t.TempDir(), "first")
	call := firstCall(t, path)
	out, code := cli(t, "dispute", "pack", "--ledger", path, "--into", first, string(call))
	if code != 0 {
		t.Fatalf("exit %d: %s", code, out)
	}
	// The proof is the one thing that the forger does not have of a version that is no longer the last.
	for _, name := range []string{"record.json", "evidence.jsonl", "itemisation.txt", "timeline.txt"} {
		text, err := os.ReadFile(filepath.Join(first, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
