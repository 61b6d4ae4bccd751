package check_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/risposta/gateway/internal/check"
	"github.com/risposta/gateway/internal/config"
)

// configured is a configuration whose files are in dir, with the lines of more at its end.
func configured(t *testing.T, dir, more string) *config.Config {
	t.Helper()
	text := `
pbx: [{name: main, url: "http://127.0.0.1:1/ari", username: u}]
operators: ["PJSIP/agent*"]
services: [{number: "1001", context: from-trunk}]
ledger: {file: ` + filepath.Join(dir, "ledger.db") + "}\n" + more
	key := strings.Repeat("0123456789abcdef", 4)
	environ := []string{"RISPOSTA_PBX_0_PASSWORD=s3cret-text", "RISPOSTA_CALLERS_KEY=" + key}
	conf, err := config.Parse("gw.yaml", []byte(text), environ, config.AllSecrets, os.ReadFile)
	if err != nil {
		t.Fatal(err)
	}
	return conf
}

func findings(conf *config.Config, checks func(check.Checks)) (lines []string) {
	checks(check.New(conf, func(f check.Finding) {
		lines = append(lines, fmt.Sprintf("%t %s: %s", f.Failed, f.Where, f.Text))
	}, func(string, []check.Item) {}))
	return lines
}

func machine(c check.Checks) { c.Machine(context.Background()) }
func pbxs(c check.Checks)    { c.PBXs(context.Background()) }

func TestMachineWithoutProblems(t *testing.T) {
	dir := t.TempDir()
	got := findings(configured(t, dir, ""), machine)
	want := "false exemption: all exemption lookups responded"
	if len(got) != 3 || got[1] != want ||
		!strings.HasPrefix(got[2], "false exemption.by_number: any: a caller who sends the number") {
		t.Errorf("got %q, want %q, then that any number exempts", got, want)
	}
	if !strings.HasPrefix(got[0], "false numbering: the table of numbers is of 2026-") ||
		!strings.Contains(got[0], " days old; from ") {
		t.Errorf("got %q, want date, age and source of the table", got[0])
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 0 {
		t.Errorf("the checks made %v, %v; want no file", files, err)
	}
}

func TestMachineDoesNotWarnWhereOnlyTrustedNumbersExempt(t *testing.T) {
	trunk := "callers: {attestation: [{endpoints: [PJSIP/trunk], by: trunk}]}\n"
	for more, warned := range map[string]bool{
		trunk:                                   false, // then it is the default
		"exemption: {by_number: trusted}\n":     false,
		trunk + "exemption: {by_number: any}\n": true,
	} {
		got := strings.Join(findings(configured(t, t.TempDir(), more), machine), "\n")
		if strings.Contains(got, "exemption.by_number: any") != warned ||
			strings.Contains(got, "names no trunk") {
			t.Errorf("%q: got %q; want a warning: %v", more, got, warned)
		}
	}
}

func TestMachineReportsALedgerThatOthersCanRead(t *testing.T) {
	conf := configured(t, t.TempDir(), "")
	writeLedger(t, conf)
	if got := findings(conf, machine); len(got) != 3 {
		t.Errorf("got %q, want nothing about a ledger of mode 0600", got)
	}
	if err := os.Chmod(conf.Ledger.File, 0o640); err != nil {
		t.Fatal(err)
	}
	got := findings(conf, machine)
	if len(got) != 4 || !strings.HasPrefix(got[2], "true ledger.file: ") ||
		!strings.Contains(got[2], "is readable by others (-rw-r-----): chmod 600") {
		t.Errorf("got %q", got)
	}
}

func TestMachineReportsAnExemptionLookupThatFails(t *testing.T) {
	dir := t.TempDir()
	list := filepath.Join(dir, "exempt.csv")
	if err := os.WriteFile(list, []byte("number,from,until,ref\nnobody,,,\ntotal,1,,\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := findings(configured(t, dir, "exemption: {csv: "+list+"}\n"), machine)
	if len(got) != 3 || !strings.HasPrefix(got[1], "true exemption: ") ||
		!strings.Contains(got[1], "exempt.csv:2: number") {
		t.Errorf("got %q", got)
	}
}

func TestPBXsReportsAPBXThatCannotBeReached(t *testing.T) {
	got := findings(configured(t, t.TempDir(), ""), pbxs)
	if len(got) != 2 || !strings.HasPrefix(got[0], "true main: ") ||
		!strings.Contains(got[0], "connection refused") || strings.Contains(got[0], "s3cret") {
		t.Errorf("got %q", got)
	}
}

func TestPBXsReportsACertificateThatCannotBeRead(t *testing.T) {
	conf := configured(t, t.TempDir(), "")
	conf.PBX[0].CAFile = filepath.Join(t.TempDir(), "none.pem")
	got := findings(conf, pbxs)
	if len(got) != 2 || !strings.HasPrefix(got[0], "true main: ca_file: ") ||
		!strings.HasPrefix(got[1], "false operators: whether PJSIP/agent* matches an endpoint is not") {
		t.Errorf("got %q", got)
	}
}
