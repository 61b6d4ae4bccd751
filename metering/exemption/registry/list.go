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
	rows, err := r.db.QueryContext(ctx, `
		SELECT ref, category, from_at, until_at, added_at, revoked_at FROM entitlement
		WHERE ?1 OR (from_at <= ?2 AND (until_at IS NULL OR until_at > ?2))
		ORDER BY id`, at.IsZero(), millis(at))
	if err != nil {
		return reading(err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var e Entitlement
		var from, added int64
		var until, revoked sql.NullInt64
		err := rows.Scan(&e.Ref, &e.Category, &from, &until, &added, &revoked)
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
		if err := f(e); err != nil {
			return err
		}
	}
	return rows.Err()
}

func reading(err error) error { return fmt.Errorf("reading the exemption register: %w", err) }

// KeyUse is how much of the register depends on a key.
type KeyUse struct {
	ID         string
	Pseudonyms int64 // made with this key
	Only       int64 // entitlements that have a pseudonym under no other key of the file
}

// Keys returns the use of each key of the key file, in the order of the file. A former key whose
// Only is 0 can be removed from the file.
func (r *Registry) Keys(ctx context.Context) (uses []KeyUse, err error) {
	for _, id := range r.pseudonyms.KeyIDs() {
		u := KeyUse{ID: id}
		err := r.db.QueryRowContext(ctx, `
			SELECT count(*), count(*) FILTER (WHERE NOT EXISTS (
				SELECT 1 FROM alias b WHERE b.entitlement = a.entitlement AND b.key <> a.key))
			FROM alias a WHERE a.key = ?`, id).Scan(&u.Pseudonyms, &u.Only)
		if err != nil {
			return nil, fmt.Errorf("reading the keys of the exemption register: %w", err)
		}
		uses = append(uses, u)
	}
	return uses, nil
}
