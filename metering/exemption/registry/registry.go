// Package registry is the exemption register that comes with the gateway: dated entitlements in one
// SQLite file, under keyed names of the callers' numbers.
//
// In: numbers, exemption codes, lists; entitlements with a beginning, an end and a category. Out: an
// [exemption.Answer] as of an instant, with an opaque reference. The category stays in the file:
// only [Registry.List] returns it, for those who keep the register. The file contains no number in
// clear. Each change is an entry in a log that only grows.
//
// A register answers no only where it is the one that is known: while its file is missing, is older
// than what the ledger knows, or has entitlements under a key that is not given, everybody who is
// not found is unknown.
//
// The gateway and the `risposta exempt` commands use the file at the same time (WAL). Its mode is
// 0600.
package registry

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/exemption"
)

// Config is what a register is opened with.
type Config struct {
	Path        string
	CountryCode string // whose national numbers are read; "" for none
	// Pseudonyms have the keys under which entitlements are found, the present one first.
	Pseudonyms *metering.Pseudonyms
	// Known returns what the ledger knows of the register; nil: nothing.
	Known func(context.Context) (State, error)
}

// Registry is a register. Its file may be missing: then what needs it fails with [ErrMissing],
// until the file is there.
type Registry struct {
	conf Config

	mu     sync.Mutex
	opened *file     // nil while there is none
	tried  time.Time // when the file was last opened

	erasures atomic.Int64 // so often MarkProcessed has erased numbers
	scrubbed *scrubbed    // nil: not yet
}

var (
	_ exemption.Lookup = (*Registry)(nil)
	_ exemption.Codes  = (*Registry)(nil)
)

var (
	// ErrMissing means that there is no file.
	ErrMissing = errors.New("there is no exemption register at this path")
	// ErrRefused means that the register is not the one that is known. It finds whom it has, but
	// cannot be trusted to have everybody.
	ErrRefused = errors.New("the exemption register is refused")
)

// tryAgain is how long a register that was refused waits before it is looked at again.
const tryAgain = 5 * time.Second

// New makes a Registry. Its file is opened when it is first needed: a gateway starts, and leaves
// callers unknown, also while its register cannot be used.
func New(conf Config) *Registry { return &Registry{conf: conf} }

// Usable returns what keeps the register from answering no, nil for nothing.
func (r *Registry) Usable(ctx context.Context) error {
	f, err := r.use(ctx)
	if err != nil {
		return err
	}
	return f.refused
}

// use returns the file that is at the path now.
func (r *Registry) use(ctx context.Context) (*file, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	info, err := os.Stat(r.conf.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w: put it back, or make one with `risposta exempt init`",
			r.conf.Path, ErrMissing)
	}
	if err != nil {
		return nil, fmt.Errorf("looking for the exemption register: %w", err)
	}
	if f := r.opened; f != nil && os.SameFile(info, f.info) &&
		(f.refused == nil || time.Since(r.tried) < tryAgain) {
		return f, nil
	}
	r.tried = time.Now()
	f, err := openFile(ctx, r.conf, info)
	if err != nil {
		return nil, fmt.Errorf("opening the exemption register %s: %w", r.conf.Path, err)
	}
	if r.opened != nil {
		err = r.opened.close() // a lookup that is under way fails, and is asked again
	}
	r.opened = f
	return f, err
}

// change returns the file for a change. A register that is refused is not changed.
func (r *Registry) change(ctx context.Context) (*file, error) {
	f, err := r.use(ctx)
	if err != nil {
		return nil, err
	}
	return f, f.refused
}

// Close closes the file.
func (r *Registry) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.opened == nil {
		return nil
	}
	f := r.opened
	r.opened = nil
	return f.close()
}

func millis(t time.Time) int64 { return t.UnixMilli() }

func instant(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// Exempt implements [exemption.Lookup].
func (r *Registry) Exempt(
	ctx context.Context, number metering.Number, at time.Time,
) (exemption.Answer, error) {
	if number.Withheld() {
		return exemption.Answer{}, nil
	}
	_, a, err := r.find(ctx, r.conf.Pseudonyms.RegisterNames(number), at)
	return a, err
}

// ExemptCode implements [exemption.Codes], and counts the use of the code.
func (r *Registry) ExemptCode(
	ctx context.Context, code string, at time.Time,
) (exemption.Answer, error) {
	id, a, err := r.find(ctx, r.conf.Pseudonyms.CodeNames(code), at)
	if err != nil || a.Verdict != metering.ExemptYes {
		return a, err
	}
	if f, err := r.use(ctx); err == nil {
		_, err = f.db.ExecContext(ctx, `
			UPDATE entitlement SET code_uses = code_uses + 1, code_used_at = ? WHERE id = ?`,
			millis(at), id)
		_ = err // a caller who has a code does not pay because its use could not be counted
	}
	return a, nil
}

// find answers for a caller or a code from its names under each key, and returns the entitlement.
func (r *Registry) find(
	ctx context.Context, names []string, at time.Time,
) (found int64, a exemption.Answer, err error) {
	f, err := r.use(ctx)
	if err != nil {
		return 0, a, err
	}
	found, keys, a, err := f.ask(ctx, names, millis(at))
	if err != nil {
		return 0, exemption.Answer{}, fmt.Errorf("asking the exemption register: %w", err)
	}
	if a.Verdict != metering.ExemptYes && f.refused != nil {
		return 0, exemption.Answer{}, f.refused
	}
	if present := r.conf.Pseudonyms.KeyIDs()[0]; found != 0 && !slices.Contains(keys, present) {
		f.addAlias(ctx, found, names[0], present)
	}
	return found, a, nil
}

// ask reads what is known under some names: the entitlement that is in force, the keys that it was
// found under, and the answer.
func (f *file) ask(
	ctx context.Context, names []string, now int64,
) (found int64, keys []string, a exemption.Answer, err error) {
	args := make([]any, len(names))
	for i, n := range names {
		args[i] = n
	}
	rows, err := f.lookup.QueryContext(ctx, args...)
	if err != nil {
		return 0, nil, a, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	a.Verdict = metering.ExemptNo
	for rows.Next() {
		var id, from int64
		var until sql.NullInt64
		var ref, key string
		if err := rows.Scan(&id, &ref, &from, &until, &key); err != nil {
			return 0, nil, exemption.Answer{}, err
		}
		switch {
		case from <= now && (!until.Valid || now < until.Int64):
			a.Verdict, a.Ref, a.Until = metering.ExemptYes, ref, time.Time{}
			if until.Valid {
				a.Until = instant(until.Int64)
			}
			if id != found {
				found, keys = id, nil
			}
			keys = append(keys, key)
		case from > now && a.Verdict == metering.ExemptNo:
			if next := instant(from); a.Until.IsZero() || next.Before(a.Until) {
				a.Until = next
			}
		}
	}
	return found, keys, a, rows.Err()
}

// lookupQuery selects the entitlements under any of n names.
func lookupQuery(n int) string {
	return `SELECT e.id, e.ref, e.from_at, e.until_at, a.key
		FROM alias a JOIN entitlement e ON e.id = a.entitlement
		WHERE a.name IN (?` + strings.Repeat(", ?", n-1) + `) ORDER BY e.id`
}
