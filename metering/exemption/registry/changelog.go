package registry

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/risposta/gateway/internal/sqlitefile"
	"github.com/risposta/gateway/metering"
)

// Author is who changes a register, and when.
type Author struct {
	Name string // the user of the operating system
	At   time.Time
}

// Entry is one change in the log of changes. It names no person.
type Entry struct {
	N       int64         `json:"n"` // from 1
	At      metering.Time `json:"at"`
	By      string        `json:"by"`
	What    string        `json:"what"`              // created, added, imported, replaced, revoked, expired, accepted
	Ref     string        `json:"ref,omitempty"`     // where it was one entitlement
	Added   int64         `json:"added,omitempty"`   // entitlements
	Changed int64         `json:"changed,omitempty"` // in their end or their category
	Ended   int64         `json:"ended,omitempty"`
	Deleted int64         `json:"deleted,omitempty"`
	Prev    string        `json:"prev"` // SHA-256 of the entry before; "" for the first
}

// State is a register as of a change: what somebody else notes, to know it again.
type State struct {
	ID      string `json:"id"`
	Changes int64  `json:"changes"`
	Head    string `json:"head"` // SHA-256 of the last entry
}

// enter adds an entry to the log, in the transaction of the change that it is about.
func enter(ctx context.Context, tx *sql.Tx, by Author, e Entry) error {
	var text []byte
	err := tx.QueryRowContext(ctx, `SELECT n, text FROM change ORDER BY n DESC LIMIT 1`).
		Scan(&e.N, &text)
	switch {
	case errors.Is(err, sql.ErrNoRows):
	case err != nil:
		return err
	default:
		e.Prev = hash(text)
	}
	e.N++
	e.At, e.By = metering.Time{Time: by.At}, by.Name
	if text, err = json.Marshal(e); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO change (n, text) VALUES (?, ?)`, e.N, text)
	return err
}

func hash(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// reader is a register's database, or one state of it: a transaction.
type reader interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// headOf is the hash of entry n; "" where there is none.
func headOf(ctx context.Context, db reader, n int64) (string, error) {
	var text []byte
	err := db.QueryRowContext(ctx, `SELECT text FROM change WHERE n = ?`, n).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return hash(text), err
}

func (f *file) state(ctx context.Context) (s State, country string, err error) {
	return stateOf(ctx, f.db)
}

func stateOf(ctx context.Context, db reader) (s State, country string, err error) {
	err = db.QueryRowContext(ctx, `
		SELECT id, country_code, (SELECT coalesce(max(n), 0) FROM change) FROM register`).
		Scan(&s.ID, &country, &s.Changes)
	if err != nil {
		return s, "", reading(err)
	}
	s.Head, err = headOf(ctx, db, s.Changes)
	return s, country, err
}

// State returns the register's state. A register that is refused is an error: nobody is to note it.
func (r *Registry) State(ctx context.Context) (State, error) {
	f, err := r.change(ctx)
	if err != nil {
		return State{}, err
	}
	s, _, err := f.state(ctx)
	return s, err
}

// Accept makes a register that is refused the known one, under the present country code, and returns
// its state for the ledger to note. Only a key that is missing it cannot make good.
func (r *Registry) Accept(ctx context.Context, by Author) (State, error) {
	f, err := r.use(ctx)
	if err != nil {
		return State{}, err
	}
	if lost, err := f.underOtherKeys(ctx); err != nil || lost > 0 {
		return State{}, errors.Join(f.refused, err)
	}
	err = f.inTransaction(ctx, func(tx *sql.Tx) error {
		const query = `UPDATE register SET country_code = ?`
		if _, err := tx.ExecContext(ctx, query, r.conf.CountryCode); err != nil {
			return err
		}
		return enter(ctx, tx, by, Entry{What: "accepted"})
	})
	if err != nil {
		return State{}, fmt.Errorf("accepting the exemption register: %w", err)
	}
	s, _, err := f.state(ctx)
	return s, err
}

// Log calls f with each entry of the log of changes, the first one first.
func (r *Registry) Log(ctx context.Context, f func(Entry) error) error {
	opened, err := r.use(ctx)
	if err != nil {
		return err
	}
	return eachEntry(ctx, opened.db, func(_ int64, text []byte) error {
		var e Entry
		if err := json.Unmarshal(text, &e); err != nil {
			return fmt.Errorf("reading the log of changes: %w", err)
		}
		return f(e)
	})
}

// eachEntry reads the log in pages, as List does.
func eachEntry(ctx context.Context, db reader, f func(n int64, text []byte) error) error {
	last := int64(0)
	for more := true; more; {
		page, err := entryPage(ctx, db, last)
		if err != nil {
			return reading(err)
		}
		for _, e := range page {
			if err := f(e.n, e.text); err != nil {
				return err
			}
			last = e.n
		}
		more = len(page) == pageRows
	}
	return nil
}

type storedEntry struct {
	n    int64
	text []byte
}

// entryPage returns the entries behind entry last.
func entryPage(ctx context.Context, db reader, last int64) (page []storedEntry, err error) {
	rows, err := db.QueryContext(ctx,
		`SELECT n, text FROM change WHERE n > ? ORDER BY n LIMIT ?`, last, pageRows)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var e storedEntry
		if err := rows.Scan(&e.n, &e.text); err != nil {
			return nil, err
		}
		page = append(page, e)
	}
	return page, rows.Err()
}

// VerifyLog verifies the log of changes of a register file, for which it needs no key: each entry
// names the one before it, the entitlements are as many as the entries say, and the entry that the
// ledger knows is there. It returns how many entries there are, and what is wrong.
func VerifyLog(
	ctx context.Context, path string, known State,
) (entries int64, problems []string, err error) {
	db, err := sqlitefile.Connect(path, sqlitefile.ReadOnly, 1)
	if err != nil {
		return 0, nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	// One state of the file: a gateway may change it meanwhile.
	tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return 0, nil, reading(err)
	}
	defer func() { err = errors.Join(err, tx.Rollback()) }()
	state, _, err := stateOf(ctx, tx)
	if err != nil {
		return 0, nil, err
	}
	problem := func(format string, args ...any) {
		problems = append(problems, fmt.Sprintf(format, args...))
	}
	var want int64
	prev, atKnown := "", ""
	err = eachEntry(ctx, tx, func(n int64, text []byte) error {
		entries++
		var e Entry
		if err := json.Unmarshal(text, &e); err != nil || e.N != n || n != entries || e.Prev != prev {
			problem("entry %d of its log of changes does not follow the one before it", n)
		}
		want += e.Added - e.Deleted
		if prev = hash(text); n == known.Changes {
			atKnown = prev
		}
		return nil
	})
	if err != nil {
		return entries, problems, err
	}
	var have int64
	if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM entitlement`).Scan(&have); err != nil {
		return entries, problems, reading(err)
	}
	if have != want {
		problem("it has %d entitlements, and %d by its log of changes", have, want)
	}
	if known.ID != "" && (known.ID != state.ID || known.Head != atKnown) {
		problem("it is not the one that the ledger knows, or an older state of it")
	}
	return entries, problems, nil
}
