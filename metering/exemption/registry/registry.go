// Package registry is the exemption register that comes with the gateway: dated entitlements in one SQLite file, known by keyed hashes of the callers'
// numbers.
//
// In: numbers, exemption codes, CSV files; entitlements with a beginning, an end and a category. Out: yes or no as of an instant, with an opaque
// reference. The category stays in the file: no method but List, for those who keep the register, gives it out. No number is ever in it.
//
// The gateway and the `gateway exempt` commands use the file at the same time (WAL). It is made 0600.
package registry

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/risposta/gateway/internal/sqlitefile"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/exemption"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Registry is an open register.
type Registry struct {
	db    *sql.DB
	names *metering.Pseudonyms
	ask   *sql.Stmt
}

var (
	_ exemption.Lookup = (*Registry)(nil)
	_ exemption.Codes  = (*Registry)(nil)
)

// readers bounds the connections: lookups go side by side.
const readers = 4

// Open opens the register, making it where there is none. Callers are known under names; all its keys count, the first is the present one.
func Open(ctx context.Context, path string, names *metering.Pseudonyms) (*Registry, error) {
	r := &Registry{names: names}
	if err := r.open(ctx, path); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the exemption register %s: %w", path, err), r.Close())
	}
	return r, nil
}

func (r *Registry) open(ctx context.Context, path string) (err error) {
	if r.db, err = sqlitefile.Open(ctx, path, migrations, readers); err != nil {
		return err
	}
	r.ask, err = r.db.PrepareContext(ctx, question(len(r.names.KeyIDs())))
	return err
}

// question asks for the entitlements under any of n names.
func question(n int) string {
	return `SELECT e.id, e.ref, e.from_at, e.until_at, a.key FROM alias a JOIN entitlement e ON e.id = a.entitlement
		WHERE a.name IN (?` + strings.Repeat(", ?", n-1) + `) ORDER BY e.id`
}

// Close gives the file back.
func (r *Registry) Close() error {
	var errs []error
	if r.ask != nil {
		errs = append(errs, r.ask.Close())
	}
	if r.db != nil {
		errs = append(errs, r.db.Close())
	}
	return errors.Join(errs...)
}

func millis(t time.Time) int64 { return t.UnixMilli() }

func instant(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// Exempt implements exemption.Lookup.
func (r *Registry) Exempt(ctx context.Context, number metering.Number, at time.Time) (exemption.Answer, error) {
	if number.Withheld() {
		return exemption.Answer{}, nil
	}
	return r.look(ctx, r.names.All(number), at)
}

// ExemptCode implements exemption.Codes.
func (r *Registry) ExemptCode(ctx context.Context, code string, at time.Time) (exemption.Answer, error) {
	return r.look(ctx, r.names.OfCode(code), at)
}

func (r *Registry) look(ctx context.Context, names []string, at time.Time) (a exemption.Answer, err error) {
	args := make([]any, len(names))
	for i, n := range names {
		args[i] = n
	}
	rows, err := r.ask.QueryContext(ctx, args...)
	if err != nil {
		return a, fmt.Errorf("asking the exemption register: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	now := millis(at)
	a.Verdict = metering.ExemptNo
	var known []string
	var found int64
	for rows.Next() {
		var id, from int64
		var until sql.NullInt64
		var ref, key string
		if err := rows.Scan(&id, &ref, &from, &until, &key); err != nil {
			return exemption.Answer{}, fmt.Errorf("asking the exemption register: %w", err)
		}
		switch {
		case from <= now && (!until.Valid || now < until.Int64):
			a.Verdict, a.Ref, a.Until = metering.ExemptYes, ref, time.Time{}
			if until.Valid {
				a.Until = instant(until.Int64)
			}
			if id != found {
				found, known = id, nil
			}
			known = append(known, key)
		case from > now && a.Verdict == metering.ExemptNo && (a.Until.IsZero() || instant(from).Before(a.Until)):
			a.Until = instant(from)
		}
	}
	if err := rows.Err(); err != nil {
		return exemption.Answer{}, fmt.Errorf("asking the exemption register: %w", err)
	}
	if found != 0 && !slices.Contains(known, r.names.KeyIDs()[0]) {
		if err := rows.Close(); err != nil {
			return a, err
		}
		r.rename(ctx, found, names[0])
	}
	return a, nil
}

// rename lets an entitlement that was found under a former key be found under the present one: so former keys fall out of use as callers call. Where it
// fails the next call tries again.
func (r *Registry) rename(ctx context.Context, id int64, name string) {
	_, err := r.db.ExecContext(ctx, `INSERT OR IGNORE INTO alias (name, entitlement, key) VALUES (?, ?, ?)`, name, id, r.names.KeyIDs()[0])
	_ = err // the answer is the same
}
