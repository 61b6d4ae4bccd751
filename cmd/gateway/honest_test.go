package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/internal/audit"
	"github.com/risposta/gateway/internal/rerating"
	"github.com/risposta/gateway/internal/retention"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
)

// honest is something that may rightly happen to a ledger: it returns the ledger that is verified.
type honest func(t *testing.T, path string) string

// using opens the ledger for a step.
func using(t *testing.T, path string, mode ledger.Mode, step func(ledger.Store) error) {
	t.Helper()
	l, err := ledger.Open(t.Context(), path, mode)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(step(l), l.Close()); err != nil {
		t.Fatal(err)
	}
}

func erased(t *testing.T, path string) string {
	t.Helper()
	using(t, path, ledger.Exclusive, func(l ledger.Store) error {
		_, err := retention.Erase(t.Context(), l, time.Now(), time.Now())
		return err
	})
	return path
}

func firstCall(t *testing.T, path string) metering.CallID {
	t.Helper()
	records, _ := cli(t, "records", "--ledger", path, "--service", "help")
	return metering.CallID(between(records, `"call":"`, `"`))
}

func credited(t *testing.T, path string) string {
	t.Helper()
	call := firstCall(t, path)
	using(t, path, ledger.ReadWrite, func(l ledger.Store) error {
		e := metering.Exemption{Verdict: metering.ExemptYes, Ref: "e-1"}
		_, err := rerating.Supersede(t.Context(), l, call,
			rerating.Resolved(e, metering.ReasonCredited, time.Now()))
		return err
	})
	return path
}

func disputedAndClosed(t *testing.T, path string) string {
	t.Helper()
	call := firstCall(t, path)
	using(t, path, ledger.ReadWrite, func(l ledger.Store) error {
		return errors.Join(l.OpenDispute(t.Context(), call, time.Now(), "case 7"),
			l.CloseDispute(t.Context(), call, time.Now()),
			l.OpenDispute(t.Context(), call, time.Now(), "case 7, again"),
			l.CloseDispute(t.Context(), call, time.Now()))
	})
	return path
}

var histories = map[string]honest{
	"nothing happens":           func(_ *testing.T, path string) string { return path },
	"old detail is erased":      erased,
	"a caller is credited":      credited,
	"a dispute, twice":          disputedAndClosed,
	"a credited call is erased": func(t *testing.T, path string) string { return erased(t, credited(t, path)) },
	"a call is erased after its dispute": func(t *testing.T, path string) string {
		return erased(t, disputedAndClosed(t, path))
	},
	"the register changes": func(t *testing.T, path string) string {
		for i := range 3 {
			using(t, path, ledger.ReadWrite, func(l ledger.Store) error {
				return l.NoteRegister(t.Context(), fmt.Append(nil, i))
			})
		}
		return path
	},
	"the key is rotated, and signs": func(t *testing.T, path string) string {
		for range 2 {
			if err := audit.RotateKey(path + ".key"); err != nil {
				t.Fatal(err)
			}
			credited(t, path)
			disputedAndClosed(t, path)
			using(t, path, ledger.ReadWrite, func(l ledger.Store) error {
				sign(t, l, path)
				return nil
			})
		}
		return path
	},
	"a backup is put in place": func(t *testing.T, path string) string {
		into := filepath.Join(t.TempDir(), "copy.db")
		using(t, path, ledger.ReadOnly, func(l ledger.Store) error { return l.Backup(t.Context(), into) })
		return credited(t, into)
	},
	"a crash: nothing was closed, and the newest leaves are not signed": func(t *testing.T, path string) string {
		into := filepath.Join(t.TempDir(), "ledger.db")
		using(t, path, ledger.ReadWrite, func(l ledger.Store) error {
			e := metering.Exemption{Verdict: metering.ExemptYes, Ref: "e-1"}
			_, err := rerating.Supersede(t.Context(), l, firstCall(t, path),
				rerating.Resolved(e, metering.ReasonCredited, time.Now()))
			for _, suffix := range []string{"", "-wal"} { // while it is open
				text, rerr := os.ReadFile(path + suffix)
				err = errors.Join(err, rerr, os.WriteFile(into+suffix, text, 0o600))
			}
			return err
		})
		using(t, into, ledger.Exclusive, func(ledger.Store) error { return nil })
		return into
	},
	"many heads without anything new": func(t *testing.T, path string) string {
		using(t, path, ledger.Exclusive, func(l ledger.Store) error {
			signer, err := audit.Signer(path+".key", true)
			for range 5 {
				_, signed, serr := l.SignLog(t.Context(), time.Now(), signer)
				if signed {
					t.Error("the log was signed with nothing new in it")
				}
				err = errors.Join(err, serr)
			}
			return err
		})
		return path
	},
}

// What may rightly happen to a ledger accuses nobody, with an old head and without one.
func TestVerifyAccusesNobody(t *testing.T) {
	var table []string
	for name, happens := range histories {
		table = append(table, fmt.Sprintf("| %s | nobody | nobody |", name))
		t.Run(name, func(t *testing.T) {
			path, head := signedLedger(t)
			verified := happens(t, path)
			for _, args := range [][]string{nil, {"--head", head}} {
				args = append([]string{"verify", "--ledger", verified, "--key", path + ".key.pub"}, args...)
				out, code := cli(t, args...)
				if code != 0 || strings.Contains(out, "FAIL") {
					t.Errorf("exit %d:\n%s", code, out)
				}
			}
		})
	}
	wantTable(t, "| what happens | accused with a head | without |\n|---|---|---|\n", table)
}
