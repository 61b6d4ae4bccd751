package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/ledger/merkle"
)

// forger changes a ledger with everything that its owner has, but for the key.
type forger struct {
	t  *testing.T
	db *sql.DB
}

func (f forger) exec(statement string, args ...any) {
	f.t.Helper()
	if _, err := f.db.Exec(statement, args...); err != nil {
		f.t.Fatalf("%s: %v", statement, err)
	}
}

// enter appends a leaf to the log as the gateway would, with its hashes.
func (f forger) enter(leaf merkle.Leaf) {
	f.t.Helper()
	var n int64
	if err := f.db.QueryRow(`SELECT max(n) + 1 FROM leaf`).Scan(&n); err != nil {
		f.t.Fatal(err)
	}
	added, err := merkle.Hashes(n, leaf, tlog.HashReaderFunc(func(at []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(at))
		for k, i := range at {
			var b []byte
			if err := f.db.QueryRow(`SELECT hash FROM leaf_hash WHERE i = ?`, i).Scan(&b); err != nil {
				return nil, err
			}
			out[k] = tlog.Hash(b)
		}
		return out, nil
	}))
	if err != nil {
		f.t.Fatal(err)
	}
	f.exec(`INSERT INTO leaf (n, record, text) VALUES (?, ?, ?)`, n, leaf.Record, leaf.Text())
	for k, h := range added {
		f.exec(`INSERT INTO leaf_hash (i, hash) VALUES (?, ?)`, merkle.Stored(n)+int64(k), h[:])
	}
}

// first is the first record of the ledger, which charges 0.14.
func (f forger) first() (r metering.Record) {
	f.t.Helper()
	var text []byte
	if err := f.db.QueryRow(`SELECT json FROM record ORDER BY seq LIMIT 1`).Scan(&text); err != nil {
		f.t.Fatal(err)
	}
	if err := json.Unmarshal(text, &r); err != nil {
		f.t.Fatal(err)
	}
	return r
}

// insert inserts a record with a leaf of its own.
func (f forger) insert(r metering.Record, erased any) {
	f.t.Helper()
	f.exec(`INSERT INTO record (record, call, version, service, arrived_at, json, erased_at)
		VALUES (?, ?, ?, ?, ?, ?, ?)`, r.Record, string(r.Call), r.Version, r.Service,
		r.ArrivedAt.UnixMilli(), r.JSON(), erased)
}

// evidence gives a record evidence that is made from that of the first record.
func (f forger) evidence(record string, change func(lines []byte) []byte) {
	f.t.Helper()
	var text []byte
	err := f.db.QueryRow(`SELECT frames FROM record ORDER BY seq LIMIT 1`).Scan(&text)
	if err != nil {
		f.t.Fatal(err)
	}
	lines, err := ledger.Decompress(text)
	if err != nil {
		f.t.Fatal(err)
	}
	f.exec(`UPDATE record SET frames = ? WHERE record = ?`,
		ledger.Compress(change(lines)), record)
}

// erase erases the first record properly, but for what change does to what is left.
func (f forger) erase(change func(*metering.Record)) {
	f.t.Helper()
	r := f.first()
	erased := r.Erased("e-1")
	change(&erased)
	f.exec(`UPDATE record SET json = ?, call = 'e-1', arrived_at = ?, erased_at = 1, frames = NULL
		WHERE record = ?`,
		erased.JSON(), erased.ArrivedAt.UnixMilli(), r.Record)
	f.enter(merkle.NewLeaf(merkle.Erasure, r.Record, erased.JSON()))
}

// forgery is one way to change a ledger. alone: it is found without a head that was kept elsewhere.
type forgery struct {
	forge func(forger)
	want  string
	alone bool
}

func statements(all ...string) func(forger) {
	return func(f forger) {
		for _, s := range all {
			f.exec(s)
		}
	}
}

// resigner signs five leaves with whatever key it gets.
type resigner struct{ forger }

// Every forgery is named, also where no head was kept elsewhere, but for one: a whole older ledger.
// Then verify says loudly that it compared the ledger with nothing outside. docs/reliability.md has
// the table.
func TestVerifyNamesForgeries(t *testing.T) {
	var table []string
	for _, forgeries := range []map[string]forgery{recordForgeries, logForgeries, countForgeries} {
		for name, c := range forgeries {
			alone := "named"
			if !c.alone {
				alone = "not named"
			}
			table = append(table, fmt.Sprintf("| %s | named | %s |", name, alone))
			t.Run(name, func(t *testing.T) {
				path, head := signedLedger(t)
				disputeAndRegister(t, path)
				db, err := sql.Open("sqlite", path)
				if err != nil {
					t.Fatal(err)
				}
				c.forge(forger{t, db})
				if err := db.Close(); err != nil {
					t.Fatal(err)
				}
				out, code := cli(t, "verify", "--ledger", path, "--head", head)
				if code != exitFailed || !strings.Contains(out, c.want) {
					t.Errorf("with a head: exit %d, want %q:\n%s", code, c.want, out)
				}
				out, code = cli(t, "verify", "--ledger", path)
				if (code == exitFailed && strings.Contains(out, c.want)) != c.alone ||
					!strings.Contains(out, "NO HEAD FROM OUTSIDE WAS GIVEN") {
					t.Errorf("without a head: exit %d, want %q: %v:\n%s", code, c.want, c.alone, out)
				}
			})
		}
	}
	if len(table) < 20 {
		t.Errorf("%d forgeries, want 20", len(table))
	}
	wantTable(t, "| forgery | with a head | without |\n|---|---|---|\n", table)
}

// wantTable holds a table of docs/reliability.md to what the tests do.
func wantTable(t *testing.T, head string, rows []string) {
	t.Helper()
	slices.Sort(rows)
	doc, err := os.ReadFile("../../docs/reliability.md")
	if err != nil {
		t.Fatal(err)
	}
	if want := head + strings.Join(rows, "\n") + "\n\n"; !strings.Contains(string(doc), want) {
		t.Errorf("docs/reliability.md lacks the table\n\n%s", want)
	}
}

// SignLog signs a log of five leaves without looking at the ledger.
func (resigner) SignLog(
	_ context.Context, _ time.Time, signer note.Signer,
) (head merkle.Head, signed bool, err error) {
	var log merkle.Memory
	for i := range 5 {
		if _, err := log.Add(merkle.NewLeaf(merkle.Record, fmt.Sprint(i), nil)); err != nil {
			return head, false, err
		}
	}
	head, err = merkle.Sign("", 5, &log, signer)
	return head, true, err
}

// disputeAndRegister adds to a ledger what else the log covers.
func disputeAndRegister(t *testing.T, path string) {
	t.Helper()
	records, _ := cli(t, "records", "--ledger", path, "--service", "help")
	call := between(records, `"call":"`, `"`)
	if out, code := cli(t, "dispute", "open", "--ledger", path, "--note", "case 7", call); code != 0 {
		t.Fatalf("exit %d: %s", code, out)
	}
	l, err := ledger.Open(t.Context(), path, ledger.ReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.NoteRegister(t.Context(), []byte("{}")); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// The log's line of a signed head can be given as it is, also in the midst of others.
func TestVerifyTakesTheLogAsItIs(t *testing.T) {
	path, head := signedLedger(t)
	note, err := os.ReadFile(head)
	if err != nil {
		t.Fatal(err)
	}
	line, err := json.Marshal(map[string]any{"event": "ledger.signed", "leaves": 5, "head": string(note)})
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]int{
		string(line): 0, `{"event":"gateway.started"}` + "\n" + string(line) + "\n": 0,
		`{"event":"gateway.started"}`: exitUsage,
	} {
		if err := os.WriteFile(head, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		out, code := cli(t, "verify", "--ledger", path, "--head", head)
		if code != want || want == 0 && !strings.Contains(out, "agrees with 3 signed heads") {
			t.Errorf("%s: exit %d, want %d:\n%s", text, code, want, out)
		}
	}
}
