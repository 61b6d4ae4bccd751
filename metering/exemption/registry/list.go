package registry

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// List calls f with each entitlement that is in force at an instant, in the order of adding. A zero
// instant lists all entitlements. An error of f ends the list.
func (r *Registry) List(
	ctx context.Context, at time.Time, f func(Entitlement) error,
) (err error) {
	opened, err := r.use(ctx)
	if err != nil {
		return err
	}
	rows, err := opened.db.QueryContext(ctx, `
		SELECT ref, category, from_at, until_at, added_at, revoked_at, code_uses, code_used_at
		FROM entitlement
		WHERE ?1 OR (from_at <= ?2 AND (until_at IS NULL OR until_at > ?2))
		ORDER BY id`, at.IsZero(), millis(at))
	if err != nil {
		return reading(err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var e Entitlement
		var from, added int64
		var until, revoked, used sql.NullInt64
		err := rows.Scan(&e.Ref, &e.Category, &from, &until, &added, &revoked, &e.CodeUses, &used)
		if err != nil {
			return reading(err)
		}
		e.From, e.Added = instant(from), instant(added)
		if until.Valid {
			e.Until = instant(until.Int64)
		}
		if revoked.Valid {
			e.Revoked = instant(revoked.Int64)
		}
		if used.Valid {
			e.CodeUsed = instant(used.Int64)
		}
		if err := f(e); err != nil {
			return err
		}
	}
	return rows.Err()
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
