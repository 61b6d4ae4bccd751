package postgres

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
)

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

// writeCalls writes evidence and records. The evidence of a call that the batch closes is written
// once, beside its record.
func writeCalls(
	ctx context.Context, tx *txn, b *ledger.Batch, seqs map[metering.CallID]int64,
) error {
	lines := linesOf(b.Evidence)
	closing := map[metering.CallID]int64{} // the seq of each call that ends, 0 where it is new
	for i := range b.Records {
		closing[b.Records[i].Call] = seqs[b.Records[i].Call]
	}
	if err := addRecorded(ctx, tx, b.Closed, closing); err != nil {
		return err
	}
	queueOpenLines(tx, lines, closing)
	if len(closing) == 0 {
		return nil
	}
	texts, err := closedTexts(ctx, tx, closing, lines)
	if err != nil {
		return err
	}
	if len(b.Records) > 0 {
		if err := queueRecords(ctx, tx, b.Records); err != nil {
			return err
		}
		queuePayers(tx, b.Records)
	}
	queueClosed(tx, texts)
	calls := make([]string, 0, len(closing))
	for _, call := range slices.Sorted(maps.Keys(closing)) {
		calls = append(calls, string(call))
	}
	tx.queue(`DELETE FROM open_evidence WHERE call = ANY($1)`, slices.Collect(maps.Values(closing)))
	tx.queue(`DELETE FROM open_call WHERE call = ANY($1)`, calls)
	return nil
}

// addRecorded adds calls that were left open although they have their record. One that has none
// stays open.
func addRecorded(
	ctx context.Context, tx *txn, closed []metering.CallID, closing map[metering.CallID]int64,
) error {
	if len(closed) == 0 {
		return nil
	}
	names := make([]string, len(closed))
	for i, call := range closed {
		names[i] = string(call)
	}
	rows, err := tx.Query(ctx, `
		SELECT call, seq FROM open_call WHERE call = ANY($1)
		AND EXISTS (SELECT 1 FROM record r WHERE r.call = open_call.call)`, names)
	if err != nil {
		return fmt.Errorf("closing calls that have their record: %w", hide(err))
	}
	var call string
	var seq int64
	_, err = pgx.ForEachRow(rows, []any{&call, &seq}, func() error {
		closing[metering.CallID(call)] = seq
		return nil
	})
	return hide(err)
}

// queueOpenLines adds lines to the calls that stay open.
func queueOpenLines(tx *txn, lines newLines, closing map[metering.CallID]int64) {
	var calls []string
	var texts [][]byte
	for _, call := range lines.calls {
		if _, ends := closing[call]; !ends {
			calls, texts = append(calls, string(call)), append(texts, ledger.Pack(lines.of[call]))
		}
	}
	if len(calls) > 0 {
		tx.queue(`
			INSERT INTO open_evidence (call, frames)
			SELECT o.seq, c.frames
			FROM unnest($1::text[], $2::bytea[]) WITH ORDINALITY AS c(call, frames, n)
			JOIN open_call o ON o.call = c.call ORDER BY c.n`, calls, texts)
	}
}

// closedTexts are what is kept of each call that ends: its rows, and the lines of the same batch.
func closedTexts(
	ctx context.Context, tx *txn, closing map[metering.CallID]int64, lines newLines,
) (map[metering.CallID][]byte, error) {
	rows, err := tx.Query(ctx, `
		SELECT call, frames FROM open_evidence WHERE call = ANY($1) ORDER BY id`,
		slices.Collect(maps.Values(closing)))
	if err != nil {
		return nil, fmt.Errorf("reading the evidence of open calls: %w", hide(err))
	}
	had := map[int64][][]byte{}
	var seq int64
	var frames []byte
	_, err = pgx.ForEachRow(rows, []any{&seq, &frames}, func() error {
		had[seq] = append(had[seq], bytes.Clone(frames))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the evidence of open calls: %w", hide(err))
	}
	texts := map[metering.CallID][]byte{}
	for call, seq := range closing {
		texts[call] = closedText(had[seq], lines.of[call])
	}
	return texts, nil
}

// closedText is what is kept of a call that ends: the lines of its rows, and those of the same batch;
// nil where there are none.
func closedText(rows [][]byte, more []byte) []byte {
	lines := append(linesOfRows(rows), more...)
	if len(lines) == 0 {
		return nil
	}
	return ledger.Compress(lines)
}

// linesOfRows leaves a damaged row as it is: it does not replay, which is the trouble of its call
// alone.
func linesOfRows(rows [][]byte) (lines []byte) {
	for _, row := range rows {
		if more, bad := ledger.Unpack(row); bad == nil {
			row = more
		}
		lines = append(lines, row...)
	}
	return lines
}

// queueClosed adds compressed texts to calls that have a record. What is there is not read:
// compressed texts one after the other decompress to their lines one after the other.
func queueClosed(tx *txn, texts map[metering.CallID][]byte) {
	var calls []string
	var values [][]byte
	for _, call := range slices.Sorted(maps.Keys(texts)) {
		if len(texts[call]) > 0 {
			calls, values = append(calls, string(call)), append(values, texts[call])
		}
	}
	if len(calls) == 0 {
		return
	}
	tx.queue(`
		INSERT INTO evidence (seq, frames)
		SELECT r.seq, c.frames FROM unnest($1::text[], $2::bytea[]) AS c(call, frames)
		JOIN record r ON r.call = c.call AND r.version = 1
		ON CONFLICT (seq) DO UPDATE SET frames = evidence.frames || excluded.frames`, calls, values)
}

// Evidence implements ledger.Reader. A call may be open and have a record, after a fault.
func (r reads) Evidence(ctx context.Context, call metering.CallID) ([][]byte, error) {
	rows, err := r.q.Query(ctx, `
		SELECT true, 0 AS id, e.frames FROM record r JOIN evidence e ON e.seq = r.seq
		WHERE r.call = $1 AND r.version = 1 AND ($2::text IS NULL OR r.log = $2)
		UNION ALL
		SELECT false, e.id, e.frames FROM open_call o JOIN open_evidence e ON e.call = o.seq
		WHERE o.call = $1
		ORDER BY 1 DESC, 2`, string(call), r.only())
	if err != nil {
		return nil, fmt.Errorf("reading the evidence of call %s: %w", call, hide(err))
	}
	var closed bool
	var id int64
	var text, lines []byte
	var open [][]byte
	_, err = pgx.ForEachRow(rows, []any{&closed, &id, &text}, func() (err error) {
		if closed {
			lines, err = ledger.Decompress(text)
		} else {
			open = append(open, bytes.Clone(text))
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the evidence of call %s: %w", call, hide(err))
	}
	return ledger.Split(append(lines, linesOfRows(open)...)), nil
}
