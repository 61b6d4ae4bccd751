package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
)

// rowsOfACall is how many rows of evidence an open call may have, a commit each: ten a second for 19
// days.
const rowsOfACall = ledger.RowsOfACall

// newLines are the frames that a batch adds to each call, as lines, in the order in which it first
// names the calls.
type newLines struct {
	calls []metering.CallID
	of    map[metering.CallID][]byte
}

func linesOf(frames []ledger.Evidence) newLines {
	l := newLines{of: map[metering.CallID][]byte{}}
	sizes := map[metering.CallID]int{}
	for _, f := range frames {
		sizes[f.Call] += len(f.Frame) + 1
	}
	for _, f := range frames {
		had, ok := l.of[f.Call]
		if !ok {
			l.calls = append(l.calls, f.Call)
			had = make([]byte, 0, sizes[f.Call])
		}
		l.of[f.Call] = append(append(had, f.Frame...), '\n')
	}
	return l
}

// seqOf is openSeq, of a call that the transaction may know.
func (t txn) seqOf(ctx context.Context, call metering.CallID) (seq int64, err error) {
	seq, ok := t.known.seqs[call]
	if !ok {
		if seq, err = openSeq(ctx, t, call); err != nil {
			return 0, err
		}
		t.known.seqs[call] = seq
	}
	return seq, nil
}

// openSeq is the seq of an open call, 0 for one that is not open.
func openSeq(ctx context.Context, q queries, call metering.CallID) (seq int64, err error) {
	err = q.QueryRowContext(ctx, `SELECT seq FROM open_call WHERE call = ?`, string(call)).Scan(&seq)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("looking for the open call %s: %w", call, err)
	}
	return seq, nil
}

// appendOpen adds lines to an open call.
func appendOpen(ctx context.Context, tx txn, call metering.CallID, lines []byte) error {
	seq, err := tx.seqOf(ctx, call)
	if err != nil {
		return err
	}
	first := seq * rowsOfACall
	_, err = tx.ExecContext(ctx, `
		INSERT INTO open_evidence (id, frames) VALUES (
			coalesce((SELECT max(id) + 1 FROM open_evidence WHERE id >= ?1 AND id < ?2), ?1), ?3)`,
		first, first+rowsOfACall, ledger.Pack(lines))
	if err != nil {
		return fmt.Errorf("writing evidence of call %s: %w", call, err)
	}
	return nil
}

// openLines are the lines of an open call. A damaged row comes as it is: it does not replay, which is
// the trouble of its call alone.
func openLines(ctx context.Context, q queries, seq int64) (lines []byte, err error) {
	rows, err := openRows(ctx, q, seq)
	return linesOfRows(rows), err
}

func openRows(ctx context.Context, q queries, seq int64) ([][]byte, error) {
	return column(ctx, q, `
		SELECT frames FROM open_evidence WHERE id >= ? AND id < ? ORDER BY id`,
		seq*rowsOfACall, (seq+1)*rowsOfACall)
}

func linesOfRows(rows [][]byte) (lines []byte) {
	for _, row := range rows {
		if more, bad := ledger.Unpack(row); bad == nil {
			row = more
		}
		lines = append(lines, row...)
	}
	return lines
}

// closedText is what is kept of an open call that ends: the lines of its rows, and those of the same
// batch; nil where there are none.
func closedText(rows [][]byte, more []byte) []byte {
	lines := append(linesOfRows(rows), more...)
	if len(lines) == 0 {
		return nil
	}
	return ledger.Compress(lines)
}

// endOpen is what is kept of an open call that ends: its lines, and those of the same batch.
func endOpen(ctx context.Context, tx txn, call metering.CallID, more []byte) ([]byte, error) {
	seq, err := tx.seqOf(ctx, call)
	if err != nil {
		return nil, err
	}
	rows, err := openRows(ctx, tx, seq)
	if err != nil {
		return nil, fmt.Errorf("reading the evidence of the open call %s: %w", call, err)
	}
	return closedText(rows, more), nil
}

// deleteOpen ends an open call, whose lines are kept elsewhere.
func deleteOpen(ctx context.Context, tx txn, call metering.CallID) error {
	seq, err := tx.seqOf(ctx, call)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM open_evidence WHERE id >= ? AND id < ?`,
		seq*rowsOfACall, (seq+1)*rowsOfACall); err != nil {
		return fmt.Errorf("closing call %s: %w", call, err)
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM open_call WHERE seq = ?`, seq); err != nil {
		return fmt.Errorf("closing call %s: %w", call, err)
	}
	tx.known.seqs[call] = 0
	return nil
}

// appendClosed adds a compressed text to a call that has a record. What is there is not read: compressed
// texts one after the other decompress to their lines one after the other.
func appendClosed(ctx context.Context, tx txn, call metering.CallID, text []byte) error {
	if len(text) == 0 {
		return nil
	}
	_, err := tx.ExecContext(ctx, `
		UPDATE record SET frames = CAST(coalesce(frames, x'') || ?2 AS BLOB)
		WHERE call = ?1 AND version = 1`, string(call), text)
	if err != nil {
		return fmt.Errorf("writing the evidence of call %s: %w", call, err)
	}
	return nil
}

// closedLines are the lines of a call that has a record.
func closedLines(ctx context.Context, q queries, call metering.CallID) (lines []byte, err error) {
	var text []byte
	err = q.QueryRowContext(ctx, `
		SELECT frames FROM record WHERE call = ? AND version = 1`, string(call)).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) || err == nil && text == nil {
		return nil, nil
	}
	if err == nil {
		lines, err = ledger.Decompress(text)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the evidence of call %s: %w", call, err)
	}
	return lines, nil
}

// Evidence implements ledger.Reader. A call may be open and have a record, after a fault.
func (r reads) Evidence(ctx context.Context, call metering.CallID) ([][]byte, error) {
	lines, err := closedLines(ctx, r.q, call)
	if err != nil {
		return nil, err
	}
	seq, err := openSeq(ctx, r.q, call)
	if err != nil {
		return nil, err
	}
	more, err := openLines(ctx, r.q, seq)
	if err != nil {
		return nil, fmt.Errorf("reading the evidence of the open call %s: %w", call, err)
	}
	return ledger.Split(append(lines, more...)), nil
}
