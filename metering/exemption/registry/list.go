package registry

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// pageRows bounds what is read at once. Between two pages no transaction is open: a reader whose output
// stands still keeps the write-ahead log from nothing.
const pageRows = 256

// List calls f with each entitlement that is in force at an instant, in the order of adding. A zero
// instant lists all entitlements. An error of f ends the list. However long f takes, it holds up
// nothing; of what is changed meanwhile the list has the former or the new state.
func (r *Registry) List(ctx context.Context, at time.Time, f func(Entitlement) error) error {
	opened, err := r.use(ctx)
	if err != nil {
		return err
	}
	last, page := int64(0), []Entitlement(nil)
	for more := true; more; {
		if page, last, err = opened.listPage(ctx, at, last); err != nil {
			return reading(err)
		}
		for _, e := range page {
			if err := f(e); err != nil {
				return err
			}
		}
		more = len(page) == pageRows
	}
	return nil
}

// listPage returns the entitlements behind the one with an id, and the id of the last one.
func (f *file) listPage(
	ctx context.Context, at time.Time, last int64,
) (page []Entitlement, _ int64, err error) {
	rows, err := f.db.QueryContext(ctx, `
		SELECT id, ref, category, from_at, until_at, added_at, revoked_at, code_uses, code_used_at
		FROM entitlement
		WHERE id > ?3 AND (?1 OR (from_at <= ?2 AND (until_at IS NULL OR until_at > ?2)))
		ORDER BY id LIMIT ?4`, at.IsZero(), millis(at), last, pageRows)
	if err != nil {
		return nil, last, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var e Entitlement
		var from, added int64
		var until, revoked, used sql.NullInt64
		err := rows.Scan(&last, &e.Ref, &e.Category, &from, &until, &added, &revoked, &e.CodeUses, &used)
		if err != nil {
			return nil, last, err
		}
		e.From, e.Added = instant(from), instant(added)
		e.Until, e.Revoked, e.CodeUsed = nullInstant(until), nullInstant(revoked), nullInstant(used)
		page = append(page, e)
	}
	return page, last, rows.Err()
}

// nullInstant is the zero time for NULL.
func nullInstant(ms sql.NullInt64) time.Time {
	if !ms.Valid {
		return time.Time{}
	}
	return instant(ms.Int64)
}

func reading(err error) error { return fmt.Errorf("reading the exemption register: %w", err) }

// KeyUse is how much of the register depends on a key.
type KeyUse struct {
	ID    string
	Names int64 // made with this key
	Only  int64 // entitlements that have a name under no other key
}

// Keys returns the use of each key of the key file, in the order of the file.
func (r *Registry) Keys(ctx context.Context) (uses []KeyUse, err error) {
	f, err := r.use(ctx)
	if err != nil {
		return nil, err
	}
	for _, id := range r.conf.Pseudonyms.KeyIDs() {
		u := KeyUse{ID: id}
		err := f.db.QueryRowContext(ctx, `
			SELECT count(*), count(*) FILTER (WHERE NOT EXISTS (
				SELECT 1 FROM alias b WHERE b.entitlement = a.entitlement AND b.key <> a.key))
			FROM alias a WHERE a.key = ?`, id).Scan(&u.Names, &u.Only)
		if err != nil {
			return nil, fmt.Errorf("reading the keys of the exemption register: %w", err)
		}
		uses = append(uses, u)
	}
	return uses, nil
}
