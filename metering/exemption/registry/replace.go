package registry

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Replaced are the counts of a list that replaced the one before it.
type Replaced struct {
	Kept    int64 // entitlements that the list still has
	Changed int64 // of which the end or the category is another now
	Entered int64
	Ended   int64 // entitlements of the list before that it no longer has
}

// maxBadRows bounds the rows of one list that are reported.
const maxBadRows = 1000

// errDryRun undoes what a dry run has done.
var errDryRun = errors.New("this was a dry run")

// Replace makes a full list the one that counts: whom it has and the register has not is entered;
// whom a list entered and this one no longer has is ended on a day; what was added by hand stays. An
// entitlement is the same where number, first day and, if the list gives one, reference are. A dry
// run changes nothing and counts the same. The same list a second time changes nothing.
func (r *Registry) Replace(
	ctx context.Context, by Author, on time.Time, grants []Grant, dry bool,
) (n Replaced, err error) {
	f, err := r.change(ctx)
	if err != nil {
		return n, err
	}
	if len(grants) == 0 {
		return n, errors.New("the list has no rows: it would end every entitlement; " +
			"`risposta exempt revoke` ends one")
	}
	err = f.inTransaction(ctx, func(tx *sql.Tx) error {
		if n, err = f.replace(ctx, tx, by, on, grants); err != nil {
			return err
		}
		if dry {
			return errDryRun
		}
		if n.Changed+n.Entered+n.Ended == 0 {
			return nil
		}
		return enter(ctx, tx, by, Entry{
			What: "replaced", Added: n.Entered, Changed: n.Changed, Ended: n.Ended,
		})
	})
	if err != nil && !errors.Is(err, errDryRun) {
		return Replaced{}, fmt.Errorf("replacing the list in the exemption register: %w", err)
	}
	if dry || n.Changed == 0 { // a category that is replaced is deleted
		return n, nil
	}
	return n, r.scrubAfter(ctx)
}

func (f *file) replace(
	ctx context.Context, tx *sql.Tx, by Author, on time.Time, grants []Grant,
) (n Replaced, err error) {
	const begin = `CREATE TEMP TABLE stays (id INTEGER PRIMARY KEY)`
	if _, err := tx.ExecContext(ctx, begin); err != nil {
		return n, err
	}
	w, err := f.newWriter(ctx, tx, by.At)
	if err != nil {
		return n, err
	}
	m := &matcher{f: f, by: by}
	if err := m.prepare(ctx, tx); err != nil {
		return n, errors.Join(err, w.close(), m.close())
	}
	var bad []error
	for _, g := range grants {
		if err := m.match(ctx, w, g, &n); err != nil {
			if bad = append(bad, err); len(bad) == maxBadRows {
				break
			}
		}
	}
	if err = errors.Join(append(bad, w.close(), m.close())...); err != nil {
		return n, err
	}
	res, err := tx.ExecContext(ctx, `
		UPDATE entitlement SET until_at = max(?1, from_at), revoked_at = ?2
		WHERE listed AND id NOT IN (SELECT id FROM stays)
			AND (until_at IS NULL OR until_at > max(?1, from_at))`, millis(on), millis(by.At))
	if err != nil {
		return n, err
	}
	if n.Ended, err = res.RowsAffected(); err != nil {
		return n, err
	}
	_, err = tx.ExecContext(ctx, `DROP TABLE stays`)
	return n, err
}

// matcher finds the entitlements that a list still has.
type matcher struct {
	f                    *file
	by                   Author
	known, stays, change *sql.Stmt
}

func (m *matcher) prepare(ctx context.Context, tx *sql.Tx) error {
	var errs [3]error
	// What a row has matched already is left out: two rows of the same are two entitlements.
	m.known, errs[0] = tx.PrepareContext(ctx, `SELECT e.id, e.category, e.until_at
		FROM alias a JOIN entitlement e ON e.id = a.entitlement
		WHERE a.name = ?1 AND e.from_at = ?2 AND (?3 = '' OR e.ref = ?3) AND e.listed
			AND e.id NOT IN (SELECT id FROM stays)
		ORDER BY e.until_at IS NULL DESC, e.until_at DESC, e.id LIMIT 1`)
	m.stays, errs[1] = tx.PrepareContext(ctx, `INSERT INTO stays (id) VALUES (?)`)
	// Calls after an end that has passed may have been charged. Where the end moves, they are credited
	// as if the entitlement had been added now.
	m.change, errs[2] = tx.PrepareContext(ctx, `
		UPDATE entitlement SET category = ?2, until_at = ?3, revoked_at = NULL,
			added_at = iif(until_at <= ?4 AND (?3 IS NULL OR ?3 > until_at), ?4, added_at),
			processed_at = iif(until_at <= ?4 AND (?3 IS NULL OR ?3 > until_at), NULL, processed_at),
			encrypted_number = iif(until_at <= ?4 AND (?3 IS NULL OR ?3 > until_at),
				?5, encrypted_number)
		WHERE id = ?1`)
	return errors.Join(errs[:]...)
}

func (m *matcher) close() error {
	var errs []error
	for _, s := range []*sql.Stmt{m.known, m.stays, m.change} {
		if s != nil {
			errs = append(errs, s.Close())
		}
	}
	return errors.Join(errs...)
}

// match keeps the entitlement that a row of the list is about, or enters it.
func (m *matcher) match(ctx context.Context, w *writer, g Grant, n *Replaced) error {
	id, same, err := m.find(ctx, g)
	if err != nil {
		return err
	}
	switch {
	case id == 0:
		if id, _, err = w.add(ctx, g); err != nil {
			return err
		}
		n.Entered++
	case same:
		n.Kept++
	default:
		n.Kept++
		n.Changed++
		_, err := m.change.ExecContext(ctx, id, g.Category, nullMillis(g.Until), millis(m.by.At),
			m.f.conf.Pseudonyms.Encrypt(g.Number))
		if err != nil {
			return err
		}
	}
	_, err = m.stays.ExecContext(ctx, id)
	return err
}

// find returns the entitlement that a row is about, 0 for none, and whether it has the end and the
// category of the row.
func (m *matcher) find(ctx context.Context, g Grant) (id int64, same bool, err error) {
	for _, name := range m.f.conf.Pseudonyms.RegisterNames(g.Number) {
		var category string
		var until sql.NullInt64
		err := m.known.QueryRowContext(ctx, name, millis(g.From), g.Ref).Scan(&id, &category, &until)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return 0, false, err
		}
		return id, category == g.Category && until == nullMillis(g.Until), nil
	}
	return 0, false, nil
}
