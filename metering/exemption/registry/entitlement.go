package registry

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"strings"
	"time"

	"github.com/risposta/gateway/metering"
)

// Entitlement is what exempts somebody.
type Entitlement struct {
	Ref      string // opaque; made where it is ""
	Category string // stays in the register
	From     time.Time
	Until    time.Time // the first instant after it; zero: for ever
	Added    time.Time
	Revoked  time.Time // zero: not
}

// Grant is an entitlement to be added, and whose it is: a number, a code, or both.
type Grant struct {
	Entitlement
	Number metering.Number
	Code   string
}

var (
	reference = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,64}$`)
	category  = regexp.MustCompile(`^[\p{L}0-9 ._-]{0,64}$`)
	codeForm  = regexp.MustCompile(`^[0-9]{8,12}$`)
)

// Check says what is wrong with a grant.
func (g Grant) Check() error {
	var errs []error
	if g.Number.Withheld() && g.Code == "" {
		errs = append(errs, errors.New("number: not a telephone number"))
	}
	if g.Code != "" && !codeForm.MatchString(g.Code) {
		errs = append(errs, errors.New("code: not 8 to 12 digits"))
	}
	if g.Ref != "" && !reference.MatchString(g.Ref) {
		errs = append(errs, errors.New("ref: not at most 64 letters, digits, dots, dashes, colons and underscores"))
	}
	if !category.MatchString(g.Category) {
		errs = append(errs, errors.New("category: not at most 64 letters, digits, spaces, dots and dashes"))
	}
	if g.From.IsZero() {
		errs = append(errs, errors.New("from: missing"))
	}
	if !g.Until.IsZero() && !g.From.Before(g.Until) {
		errs = append(errs, errors.New("until: before from"))
	}
	return errors.Join(errs...)
}

// NewRef makes an opaque reference.
func NewRef() string { return "e-" + strings.ToLower(rand.Text()[:12]) }

// NewCode makes an exemption code of ten digits.
func NewCode() (string, error) {
	n, err := rand.Int(rand.Reader, big.NewInt(10_000_000_000))
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%010d", n), nil
}

// Add adds all grants or none, and returns their references.
func (r *Registry) Add(ctx context.Context, at time.Time, grants ...Grant) (refs []string, err error) {
	tx, err := r.db.BeginTx(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("adding to the exemption register: %w", err)
	}
	if refs, err = r.add(ctx, tx, at, grants); err != nil {
		return nil, errors.Join(fmt.Errorf("adding to the exemption register: %w", err), tx.Rollback())
	}
	if err := tx.Commit(); err != nil {
		return nil, fmt.Errorf("adding to the exemption register: %w", err)
	}
	return refs, nil
}

func (r *Registry) add(ctx context.Context, tx *sql.Tx, at time.Time, grants []Grant) (refs []string, err error) {
	entitle, err := tx.PrepareContext(ctx, `INSERT INTO entitlement (ref, category, from_at, until_at, added_at) VALUES (?, ?, ?, ?, ?)`)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, entitle.Close()) }()
	alias, err := tx.PrepareContext(ctx, `INSERT INTO alias (name, entitlement, key) VALUES (?, ?, ?)`)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, alias.Close()) }()
	ids := r.names.KeyIDs()
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
		names := r.names.All(g.Number)
		if g.Code != "" {
			names = append(names, r.names.OfCode(g.Code)...)
		}
		for i, n := range names {
			if _, err := alias.ExecContext(ctx, n, id, ids[i%len(ids)]); err != nil {
				return nil, fmt.Errorf("reference %s: %w", g.Ref, err)
			}
		}
		refs = append(refs, g.Ref)
	}
	return refs, nil
}

// ErrNoRef says that the register knows no such reference.
var ErrNoRef = errors.New("the exemption register has no such reference")

// Revoke ends an entitlement at an instant. Calls of before stay exempt.
func (r *Registry) Revoke(ctx context.Context, ref string, until, at time.Time) error {
	res, err := r.db.ExecContext(ctx, `
		UPDATE entitlement SET until_at = min(coalesce(until_at, ?1), max(?1, from_at)), revoked_at = ?2 WHERE ref = ?3`, millis(until), millis(at), ref)
	if err != nil {
		return fmt.Errorf("revoking %s: %w", ref, err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return errors.Join(fmt.Errorf("revoking %s: %w", ref, ErrNoRef), err)
	}
	return nil
}

// List calls f with each entitlement that is in force at an instant, or with all where that is zero, in the order of adding.
func (r *Registry) List(ctx context.Context, at time.Time, f func(Entitlement) error) (err error) {
	rows, err := r.db.QueryContext(ctx, `
		SELECT ref, category, from_at, until_at, added_at, revoked_at FROM entitlement
		WHERE ?1 OR (from_at <= ?2 AND (until_at IS NULL OR until_at > ?2)) ORDER BY id`, at.IsZero(), millis(at))
	if err != nil {
		return fmt.Errorf("reading the exemption register: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var e Entitlement
		var from, added int64
		var until, revoked sql.NullInt64
		if err := rows.Scan(&e.Ref, &e.Category, &from, &until, &added, &revoked); err != nil {
			return fmt.Errorf("reading the exemption register: %w", err)
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

// Expire forgets entitlements that ended before an instant, and returns how many.
func (r *Registry) Expire(ctx context.Context, before time.Time) (int64, error) {
	res, err := r.db.ExecContext(ctx, `DELETE FROM entitlement WHERE until_at < ?`, millis(before))
	if err != nil {
		return 0, fmt.Errorf("expiring entitlements: %w", err)
	}
	return res.RowsAffected()
}

// KeyUse is how many entitlements a key is needed for.
type KeyUse struct {
	ID    string
	Names int64 // under this key
	Only  int64 // entitlements that are known under no other key of the file
}

// Keys tells, for each key of the key file in its order, what is known under it. A former key of which Only is 0 may be taken out.
func (r *Registry) Keys(ctx context.Context) (uses []KeyUse, err error) {
	for _, id := range r.names.KeyIDs() {
		u := KeyUse{ID: id}
		err := r.db.QueryRowContext(ctx, `
			SELECT count(*), count(*) FILTER (WHERE NOT EXISTS (SELECT 1 FROM alias b WHERE b.entitlement = a.entitlement AND b.key <> a.key))
			FROM alias a WHERE a.key = ?`, id).Scan(&u.Names, &u.Only)
		if err != nil {
			return nil, fmt.Errorf("reading the keys of the exemption register: %w", err)
		}
		uses = append(uses, u)
	}
	return uses, nil
}

// BackdatedEntitlement is an entitlement that was added after it began: calls of the time between may have been charged.
type BackdatedEntitlement struct {
	ID          int64
	Ref         string
	From, Until time.Time // of the calls to look through
	Names       []string  // the caller's, under each key
}

// Covers tells whether a call that arrived at an instant is one to look through.
func (l BackdatedEntitlement) Covers(arrived time.Time) bool {
	return !arrived.Before(l.From) && arrived.Before(l.Until)
}

// Backdated returns up to limit entitlements that were dated back and not looked through yet.
func (r *Registry) Backdated(ctx context.Context, limit int) (lates []BackdatedEntitlement, err error) {
	rows, err := r.db.QueryContext(ctx, `
		SELECT id, ref, from_at, min(added_at, coalesce(until_at, added_at)), (SELECT group_concat(name, ' ') FROM alias WHERE entitlement = id AND name LIKE 'c-%')
		FROM entitlement WHERE from_at < added_at AND processed_at IS NULL ORDER BY id LIMIT ?`, limit)
	if err != nil {
		return nil, fmt.Errorf("reading the exemption register: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var l BackdatedEntitlement
		var from, until int64
		var names sql.NullString
		if err := rows.Scan(&l.ID, &l.Ref, &from, &until, &names); err != nil {
			return nil, fmt.Errorf("reading the exemption register: %w", err)
		}
		l.From, l.Until, l.Names = instant(from), instant(until), strings.Fields(names.String)
		lates = append(lates, l)
	}
	return lates, rows.Err()
}

// MarkProcessed notes that the calls of before some entitlements were added have had their refunds.
func (r *Registry) MarkProcessed(ctx context.Context, ids []int64, at time.Time) error {
	if len(ids) == 0 {
		return nil
	}
	tx, err := r.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("noting refunds in the exemption register: %w", err)
	}
	for _, id := range ids {
		if _, err := tx.ExecContext(ctx, `UPDATE entitlement SET processed_at = ? WHERE id = ?`, millis(at), id); err != nil {
			return errors.Join(fmt.Errorf("noting refunds in the exemption register: %w", err), tx.Rollback())
		}
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("noting refunds in the exemption register: %w", err)
	}
	return nil
}
