package sqlitefile

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
)

// SQLite overwrites what it deletes from a page. But where it balances pages, the cells that it moves
// stay in the gap between the pointers and the cells of the page that they leave, and no deletion of
// them reaches that copy. VACUUM would write the whole file anew and make commits wait; so the gaps of
// single pages are filled with zeros, by the layout of pages that SQLite documents as its file format.
const (
	maxGapPages = 1 << 25 // beyond them an overflow page may begin like a page of a tree
	gapBatch    = 64      // pages that are changed in one transaction
)

// zeroGaps fills the gaps of all pages. Others read and write meanwhile; a commit waits for one batch
// at most.
func zeroGaps(ctx context.Context, db *sql.DB) error {
	found, reserved, err := pagesWithGaps(ctx, db)
	for len(found) > 0 && err == nil {
		n := min(len(found), gapBatch)
		err = changePages(ctx, db, found[:n], reserved)
		found = found[n:]
	}
	return err
}

// pagesWithGaps reads all pages, in one pass, and returns the numbers of those that have something in
// their gap, and how many bytes at the end of each page are not SQLite's.
func pagesWithGaps(ctx context.Context, db *sql.DB) (found []int64, reserved int, err error) {
	rows, err := db.QueryContext(ctx, `SELECT pgno, data FROM sqlite_dbpage`)
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var n int64
		var page sql.RawBytes
		if err := rows.Scan(&n, &page); err != nil {
			return nil, 0, err
		}
		if n >= maxGapPages {
			return nil, 0, fmt.Errorf("the file has more than %d pages: "+
				"copies of what was deleted are not found in it", maxGapPages)
		}
		if n == 1 {
			reserved = int(page[20])
		}
		if from, until := gap(page, n, reserved); !blank(page[from:until]) {
			found = append(found, n)
		}
	}
	return found, reserved, rows.Err()
}

// changePages reads the pages again, in the transaction that changes them.
func changePages(ctx context.Context, db *sql.DB, pages []int64, reserved int) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	for _, n := range pages {
		var page []byte
		err := tx.QueryRowContext(ctx, `SELECT data FROM sqlite_dbpage WHERE pgno = ?`, n).Scan(&page)
		if errors.Is(err, sql.ErrNoRows) { // the file has become shorter
			continue
		}
		if err == nil {
			from, until := gap(page, n, reserved)
			clear(page[from:until])
			_, err = tx.ExecContext(ctx, `UPDATE sqlite_dbpage SET data = ? WHERE pgno = ?`, page, n)
		}
		if err != nil {
			return errors.Join(err, tx.Rollback())
		}
	}
	return tx.Commit()
}

// treeHeaders are the types of the pages of a tree, with the size of their headers.
var treeHeaders = map[byte]int{0x02: 12, 0x05: 12, 0x0a: 8, 0x0d: 8}

// gap is where page n has its gap: from and until. A page of no tree, and one that does not hold
// together, has none.
func gap(page []byte, n int64, reserved int) (from, until int) {
	at := 0
	if n == 1 {
		at = 100 // behind the header of the file
	}
	if len(page) < at+12 {
		return 0, 0
	}
	header, ok := treeHeaders[page[at]]
	if !ok {
		return 0, 0
	}
	from = at + header + 2*int(binary.BigEndian.Uint16(page[at+3:]))
	until = int(binary.BigEndian.Uint16(page[at+5:]))
	if until == 0 {
		until = 1 << 16
	}
	if until > len(page)-reserved || from > until {
		return 0, 0
	}
	return from, until
}

func blank(bytes []byte) bool {
	for _, b := range bytes {
		if b != 0 {
			return false
		}
	}
	return true
}
