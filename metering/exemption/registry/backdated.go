package registry

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// BackdatedEntitlement is an entitlement that was added after it began. Calls in between may have
// been charged.
type BackdatedEntitlement struct {
	ID          int64
	Ref         string
	From, Until time.Time // of the calls that may have been charged
	Pseudonyms  []string  // the caller's in records, under each key
}

// Covers reports whether a call that arrived at an instant may have been charged.
func (b BackdatedEntitlement) Covers(arrived time.Time) bool {
	return !arrived.Before(b.From) && arrived.Before(b.Until)
}

// Backdated returns up to limit backdated entitlements that are not processed yet, in the order of
// adding, whose ID is greater than after.
func (r *Registry) Backdated(
	ctx context.Context, after int64, limit int,
) (backdated []BackdatedEntitlement, err error) {
	f, err := r.change(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := f.db.QueryContext(ctx, `
		SELECT id, ref, from_at, min(added_at, coalesce(until_at, added_at)), encrypted_number
		FROM entitlement WHERE from_at < added_at AND processed_at IS NULL AND id > ?
		ORDER BY id LIMIT ?`, after, limit)
	if err != nil {
		return nil, reading(err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var b BackdatedEntitlement
		var from, until int64
		var encrypted []byte
		if err := rows.Scan(&b.ID, &b.Ref, &from, &until, &encrypted); err != nil {
			return nil, reading(err)
		}
		b.From, b.Until = instant(from), instant(until)
		if encrypted != nil { // a code alone covers no call that has been
			number, err := r.conf.Pseudonyms.Decrypt(encrypted)
			if err != nil {
				return nil, fmt.Errorf("reading entitlement %s: %w", b.Ref, err)
			}
			b.Pseudonyms = r.conf.Pseudonyms.All(number)
		}
		backdated = append(backdated, b)
	}
	return backdated, rows.Err()
}

// MarkProcessed marks backdated entitlements whose calls have been credited, and erases the encrypted
// numbers that this took.
func (r *Registry) MarkProcessed(ctx context.Context, ids []int64, at time.Time) error {
	if len(ids) == 0 {
		return nil
	}
	f, err := r.use(ctx)
	if err != nil {
		return err
	}
	err = f.inTransaction(ctx, func(tx *sql.Tx) error {
		for _, id := range ids {
			const query = `UPDATE entitlement SET processed_at = ?, encrypted_number = NULL WHERE id = ?`
			if _, err := tx.ExecContext(ctx, query, millis(at), id); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("marking entitlements as processed in the exemption register: %w", err)
	}
	r.erasures.Add(1)
	return nil
}
