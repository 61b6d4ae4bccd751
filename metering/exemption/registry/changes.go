package registry

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Add adds all grants or none, at an instant, and returns their references.
func (r *Registry) Add(
	ctx context.Context, at time.Time, grants ...Grant,
) (refs []string, err error) {
	err = r.inTransaction(ctx, func(tx *sql.Tx) (err error) {
		refs, err = r.add(ctx, tx, at, grants)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("adding to the exemption register: %w", err)
	}
	return refs, nil
}

func (r *Registry) inTransaction(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := r.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := do(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

func (r *Registry) add(
	ctx context.Context, tx *sql.Tx, at time.Time, grants []Grant,
) (refs []string, err error) {
	entitle, err := tx.PrepareContext(ctx,
		`INSERT INTO entitlement (ref, category, from_at, until_at, added_at) VALUES (?, ?, ?, ?, ?)`)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, entitle.Close()) }()
	alias, err := tx.PrepareContext(ctx,
		`INSERT INTO alias (pseudonym, entitlement, key) VALUES (?, ?, ?)`)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, alias.Close()) }()
	keys := r.pseudonyms.KeyIDs()
	for _, g := range grants {
		if err := g.Check(); err != nil {
			return nil, err
		}
		if g.Ref == "" {
			g.Ref = NewRef()
		}
		until := sql.NullInt64{Int64: millis(g.Until), Valid: !g.Until.IsZero()}
		res, err := entitle.ExecContext(ctx, g.Ref, g.Category, millis(g.From), until, millis(at))
		if err != nil {
			return nil, fmt.Errorf("reference %s: %w", g.Ref, err)
		}
		id, err := res.LastInsertId()
		if err != nil {
			return nil, err
		}
		pseudonyms := r.pseudonyms.All(g.Number)
		if g.Code != "" {
			pseudonyms = append(pseudonyms, r.pseudonyms.OfCode(g.Code)...)
		}
		for i, p := range pseudonyms {
			if _, err := alias.ExecContext(ctx, p, id, keys[i%len(keys)]); err != nil {
				return nil, fmt.Errorf("reference %s: %w", g.Ref, err)
			}
		}
		refs = append(refs, g.Ref)
	}
	return refs, nil
}

// ErrNoRef means that the register does not have a reference.
var ErrNoRef = errors.New("the exemption register has no such reference")

// Revoke ends an entitlement at an instant, until. Earlier calls stay exempt. at is now. An unknown
// reference is [ErrNoRef].
func (r *Registry) Revoke(ctx context.Context, ref string, until, at time.Time) error {
	res, err := r.db.ExecContext(ctx, `
		UPDATE entitlement
		SET until_at = min(coalesce(until_at, ?1), max(?1, from_at)), revoked_at = ?2
		WHERE ref = ?3`, millis(until), millis(at), ref)
	if err != nil {
		return fmt.Errorf("revoking %s: %w", ref, err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return errors.Join(fmt.Errorf("revoking %s: %w", ref, ErrNoRef), err)
	}
	return nil
}

// Expire deletes the entitlements that ended before an instant, and returns how many.
func (r *Registry) Expire(ctx context.Context, before time.Time) (int64, error) {
	res, err := r.db.ExecContext(ctx, `DELETE FROM entitlement WHERE until_at < ?`, millis(before))
	if err != nil {
		return 0, fmt.Errorf("expiring entitlements: %w", err)
	}
	return res.RowsAffected()
}
