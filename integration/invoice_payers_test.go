//go:build live

package integration

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/risposta/gateway/integration/lab"
)

// delivery is a line of a file.
type delivery struct {
	Record, Caller, Currency, Gross string
	Change                          int64 `json:"gross_change_minor"`
	Exempt                          bool
	Payer                           *string
}

func (in *invoice) lines(t *testing.T) (all []delivery) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(in.dir, "jsonl", "*.jsonl"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(text) {
			var d delivery
			if err := json.Unmarshal(line, &d); err != nil {
				t.Fatal(err)
			}
			all = append(all, d)
		}
	}
	return all
}

// wantChangesInFiles adds up the changes of all versions.
func (in *invoice) wantChangesInFiles(t *testing.T, file string) {
	t.Helper()
	err := lab.Until(in.ctx, time.Minute, "the files to add up", func() error {
		sums := map[string]int64{}
		for _, d := range in.lines(t) {
			sums[d.Currency] += d.Change
		}
		for _, line := range sumsOfLedger(in.ctx, t, file) {
			currency, rest, _ := strings.Cut(line, ": ")
			if !strings.HasSuffix(rest, fmt.Sprintf(", %d", sums[currency])) {
				return fmt.Errorf("their changes are %d %s, the ledger has %s", sums[currency], currency, line)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// wantPayers decrypts who pays, as the department does, and compares the pseudonym of that number.
func (in *invoice) wantPayers(t *testing.T) {
	t.Helper()
	var numbers, callers []string
	for _, d := range in.lines(t) {
		if charged := strings.Trim(d.Gross, "0.") != ""; charged != (d.Payer != nil) || d.Exempt && charged {
			t.Errorf("%+v: charged %t", d, charged)
		}
		if d.Payer == nil {
			continue
		}
		sealed, err := base64.StdEncoding.DecodeString(*d.Payer)
		if err != nil {
			t.Fatal(err)
		}
		opened, err := age.Decrypt(bytes.NewReader(sealed), in.id)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(opened)
		if err != nil || !strings.HasPrefix(string(text), "+39061234") {
			t.Fatalf("%q, %v", text, err)
		}
		numbers, callers = append(numbers, strings.TrimSpace(string(text))), append(callers, d.Caller)
	}
	list := filepath.Join(in.dir, "numbers")
	if err := os.WriteFile(list, []byte(strings.Join(numbers, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	out, code, err := in.gw.Command(in.ctx, "payers", "--numbers", list)
	if err != nil || code != 0 {
		t.Fatalf("payers: exit %d, %v: %s", code, err, out)
	}
	rows := bufio.NewScanner(strings.NewReader(out))
	rows.Scan() // the head
	for i, caller := range callers {
		if want := fmt.Sprintf("%d,%s", i+1, caller); !rows.Scan() || rows.Text() != want {
			t.Fatalf("row %d is %q, want %q", i+1, rows.Text(), want)
		}
	}
	for what, text := range map[string]string{"the log": in.gw.Log(), "payers": out} {
		if strings.Contains(text, "061234") {
			t.Errorf("%s has a clear number", what)
		}
	}
	t.Logf("%d deliveries have a payer, whose pseudonym is the record's caller", len(callers))
}
