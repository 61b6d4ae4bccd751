// Package registry is the exemption register that comes with the gateway: dated entitlements in one
// SQLite file, under keyed pseudonyms of the callers' numbers.
//
// In: numbers, exemption codes, CSV files; entitlements with a beginning, an end and a category.
// Out: an [exemption.Answer] as of an instant, with an opaque reference. The category stays in the
// file: only [Registry.List] returns it, for those who keep the register. The file never contains a
// number.
//
// The gateway and the `gateway exempt` commands use the file at the same time (WAL). Its mode is
// 0600.
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
	db         *sql.DB
	pseudonyms *metering.Pseudonyms
	lookup     *sql.Stmt
}

var (
	_ exemption.Lookup = (*Registry)(nil)
	_ exemption.Codes  = (*Registry)(nil)
)

// maxConns bounds the connections, so that lookups run side by side.
const maxConns = 4

// Open opens the register, and creates it where there is none. Entitlements are found under every
// key of pseudonyms. The first key is the present one.
func Open(ctx context.Context, path string, pseudonyms *metering.Pseudonyms) (*Registry, error) {
	r := &Registry{pseudonyms: pseudonyms}
	if err := r.open(ctx, path); err != nil {
		err = fmt.Errorf("opening the exemption register %s: %w", path, err)
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

func (r *Registry) open(ctx context.Context, path string) (err error) {
	if r.db, err = sqlitefile.Open(ctx, path, migrations, maxConns); err != nil {
		return err
	}
	r.lookup, err = r.db.PrepareContext(ctx, lookupQuery(len(r.pseudonyms.KeyIDs())))
	return err
}

// lookupQuery selects the entitlements under any of n pseudonyms.
func lookupQuery(n int) string {
	return `SELECT e.id, e.ref, e.from_at, e.until_at, a.key
		FROM alias a JOIN entitlement e ON e.id = a.entitlement
		WHERE a.pseudonym IN (?` + strings.Repeat(", ?", n-1) + `) ORDER BY e.id`
}

// Close closes the file.
func (r *Registry) Close() error {
	var errs []error
	if r.lookup != nil {
		errs = append(errs, r.lookup.Close())
	}
	if r.db != nil {
		errs = append(errs, r.db.Close())
	}
	return errors.Join(errs...)
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
	return r.find(ctx, r.pseudonyms.All(number), at)
}

// ExemptCode implements [exemption.Codes].
func (r *Registry) ExemptCode(
	ctx context.Context, code string, at time.Time,
) (exemption.Answer, error) {
	return r.find(ctx, r.pseudonyms.OfCode(code), at)
}

// find answers for a caller or a code from its pseudonyms under each key.
func (r *Registry) find(
	ctx context.Context, pseudonyms []string, at time.Time,
) (a exemption.Answer, err error) {
	args := make([]any, len(pseudonyms))
	for i, p := range pseudonyms {
		args[i] = p
	}
	rows, err := r.lookup.QueryContext(ctx, args...)
	if err != nil {
		return a, asking(err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	now := millis(at)
	a.Verdict = metering.ExemptNo
	var keys []string // that the entitlement was found under
	var found int64
	for rows.Next() {
		var id, from int64
		var until sql.NullInt64
		var ref, key string
		if err := rows.Scan(&id, &ref, &from, &until, &key); err != nil {
			return exemption.Answer{}, asking(err)
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
	if err := rows.Err(); err != nil {
		return exemption.Answer{}, asking(err)
	}
	if present := r.pseudonyms.KeyIDs()[0]; found != 0 && !slices.Contains(keys, present) {
		if err := rows.Close(); err != nil {
			return a, asking(err)
		}
		r.addAlias(ctx, found, pseudonyms[0], present)
	}
	return a, nil
}

func asking(err error) error { return fmt.Errorf("asking the exemption register: %w", err) }

// aliasTimeout bounds how long a lookup waits to write an alias: an import may hold the file.
const aliasTimeout = 50 * time.Millisecond

// addAlias makes an entitlement that was found under a former key known under the present one. So
// former keys fall out of use as callers call.
func (r *Registry) addAlias(ctx context.Context, entitlement int64, pseudonym, key string) {
	ctx, cancel := context.WithTimeout(ctx, aliasTimeout)
	defer cancel()
	_, err := r.db.ExecContext(ctx,
		`INSERT OR IGNORE INTO alias (pseudonym, entitlement, key) VALUES (?, ?, ?)`,
		pseudonym, entitlement, key)
	_ = err // the answer is the same without the alias, and the next call tries again
}
