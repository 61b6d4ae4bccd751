package registry

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/risposta/gateway/metering/exemption/list"
)

// Add adds all grants or none, and returns their references.
func (r *Registry) Add(ctx context.Context, by Author, grants ...Grant) (refs []string, err error) {
	f, err := r.change(ctx)
	if err != nil {
		return nil, err
	}
	err = f.inTransaction(ctx, func(tx *sql.Tx) error {
		w, err := f.newWriter(ctx, tx, by.At)
		if err != nil {
			return err
		}
		for _, g := range grants {
			_, ref, err := w.add(ctx, g)
			if err != nil {
				return errors.Join(err, w.close())
			}
			refs = append(refs, ref)
		}
		if err := w.close(); err != nil {
			return err
		}
		e := Entry{What: "added", Added: int64(len(grants))}
		if len(grants) == 1 {
			e.Ref = refs[0]
		}
		if len(grants) > 0 && grants[0].Line > 0 {
			e.What = "imported"
		}
		return enter(ctx, tx, by, e)
	})
	if err != nil {
		return nil, fmt.Errorf("adding to the exemption register: %w", err)
	}
	return refs, nil
}

// writer enters grants in one transaction.
type writer struct {
	f        *file
	at       time.Time
	entitle  *sql.Stmt
	name     *sql.Stmt
	refTaken *sql.Stmt
}

// cachePragma lets the connection that imports a list keep 128 MiB of pages: names come in no order,
// and with SQLite's 2 MiB each row of a long list is a page written out and read again.
const cachePragma = `PRAGMA cache_size = -131072`

func (f *file) newWriter(ctx context.Context, tx *sql.Tx, at time.Time) (*writer, error) {
	if _, err := tx.ExecContext(ctx, cachePragma); err != nil {
		return nil, err
	}
	w := &writer{f: f, at: at}
	var errs [3]error
	w.entitle, errs[0] = tx.PrepareContext(ctx, `INSERT INTO entitlement
		(ref, category, from_at, until_at, added_at, listed, encrypted_number)
		VALUES (?, ?, ?, ?, ?, ?, ?)`)
	w.name, errs[1] = tx.PrepareContext(ctx,
		`INSERT INTO alias (name, entitlement, key) VALUES (?, ?, ?)`)
	w.refTaken, errs[2] = tx.PrepareContext(ctx,
		`SELECT EXISTS (SELECT 1 FROM entitlement WHERE ref = ?)`)
	err := errors.Join(errs[:]...)
	if err == nil {
		err = knowKeys(ctx, tx, f.conf.Pseudonyms.KeyIDs()...)
	}
	if err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

func (w *writer) close() error {
	var errs []error
	for _, s := range []*sql.Stmt{w.entitle, w.name, w.refTaken} {
		if s != nil {
			errs = append(errs, s.Close())
		}
	}
	return errors.Join(errs...)
}

// add enters one grant. Its error names the line of a list, and quotes nothing of it.
func (w *writer) add(ctx context.Context, g Grant) (id int64, ref string, err error) {
	defer func() {
		if err != nil && g.Line > 0 {
			err = list.BadRow{Line: g.Line, Err: err}
		}
	}()
	if err := g.Check(); err != nil {
		return 0, "", err
	}
	if g.Ref == "" {
		g.Ref = NewRef()
	} else {
		var taken bool
		if err := w.refTaken.QueryRowContext(ctx, g.Ref).Scan(&taken); err != nil {
			return 0, "", err
		}
		if taken {
			return 0, "", errors.New("ref: the register has it already")
		}
	}
	pseudonyms := w.f.conf.Pseudonyms
	var encrypted []byte
	if g.From.Before(w.at) { // its calls are to be credited
		encrypted = pseudonyms.Encrypt(g.Number)
	}
	res, err := w.entitle.ExecContext(ctx, g.Ref, g.Category, millis(g.From), nullMillis(g.Until),
		millis(w.at), g.Line > 0, encrypted)
	if err != nil {
		return 0, "", err
	}
	if id, err = res.LastInsertId(); err != nil {
		return 0, "", err
	}
	names := pseudonyms.RegisterNames(g.Number)
	if g.Code != "" {
		names = append(names, pseudonyms.CodeNames(g.Code)...)
	}
	keys := pseudonyms.KeyIDs()
	for i, name := range names {
		if _, err := w.name.ExecContext(ctx, name, id, keys[i%len(keys)]); err != nil {
			return 0, "", err
		}
	}
	return id, g.Ref, nil
}

// nullMillis is NULL for the zero time.
func nullMillis(t time.Time) (n sql.NullInt64) {
	if !t.IsZero() {
		n = sql.NullInt64{Int64: millis(t), Valid: true}
	}
	return n
}

// ErrNoRef means that the register does not have a reference.
var ErrNoRef = errors.New("the exemption register has no such reference")

// Revoke ends an entitlement, and its code, at an instant. Earlier calls stay exempt. An unknown
// reference is [ErrNoRef].
func (r *Registry) Revoke(ctx context.Context, by Author, ref string, until time.Time) error {
	f, err := r.change(ctx)
	if err != nil {
		return err
	}
	err = f.inTransaction(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `
			UPDATE entitlement
			SET until_at = min(coalesce(until_at, ?1), max(?1, from_at)), revoked_at = ?2
			WHERE ref = ?3`, millis(until), millis(by.At), ref)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(ErrNoRef, err)
		}
		return enter(ctx, tx, by, Entry{What: "revoked", Ref: ref, Ended: 1})
	})
	if err != nil {
		return fmt.Errorf("revoking %s: %w", ref, err)
	}
	return nil
}

// Expire deletes the entitlements that ended before an instant, and returns how many.
func (r *Registry) Expire(ctx context.Context, by Author, before time.Time) (n int64, err error) {
	f, err := r.change(ctx)
	if err != nil {
		return 0, err
	}
	err = f.inTransaction(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `DELETE FROM entitlement WHERE until_at < ?`, millis(before))
		if err != nil {
			return err
		}
		if n, err = res.RowsAffected(); err != nil || n == 0 {
			return err
		}
		return enter(ctx, tx, by, Entry{What: "expired", Deleted: n})
	})
	if err != nil {
		return 0, fmt.Errorf("expiring entitlements: %w", err)
	}
	if n == 0 {
		return 0, nil
	}
	return n, r.scrubAfter(ctx)
}
