package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/ledger/merkle"
)

// Commit implements ledger.Writer: one transaction. A batch that met a change of another node is
// tried again: what was in its way is committed by then, and so is named as a contradiction.
func (s *Store) Commit(ctx context.Context, b *ledger.Batch) (err error) {
	if !s.all && b.Node != s.log {
		return fmt.Errorf("committing: a batch of node %q in the ledger of node %q", b.Node, s.log)
	}
	for range attempts {
		err = s.change(ctx, s.log, func(tx *txn) error { return s.commit(ctx, tx, b) })
		if !isConstraint(err) {
			break
		}
	}
	if err = damaged(err); err != nil {
		return fmt.Errorf("committing %d frames and %d records: %w",
			len(b.Evidence), len(b.Records), err)
	}
	return nil
}

func (s *Store) commit(ctx context.Context, tx *txn, b *ledger.Batch) error {
	if kept, err := isLast(ctx, tx, b); kept || err != nil {
		return err
	}
	seqs, err := checkParts(ctx, tx, b)
	if err != nil {
		return err
	}
	s.queueNode(tx, b)
	queueCalls(tx, b)
	if err := writeCalls(ctx, tx, b, seqs); err != nil {
		return err
	}
	return countLater(ctx, tx, b.Records)
}

// isLast tells whether the batch has been kept already, by a commit that was reported failed.
func isLast(ctx context.Context, tx *txn, b *ledger.Batch) (last bool, err error) {
	if b.ID == "" || b.Node == tx.log {
		return b.ID != "" && tx.lastBatch == b.ID, nil
	}
	err = tx.QueryRow(ctx, `
		SELECT EXISTS (SELECT 1 FROM node WHERE node = $1 AND last_batch = $2)`, b.Node, b.ID).Scan(&last)
	if err != nil {
		return false, fmt.Errorf("looking for batch %s: %w", b.ID, hide(err))
	}
	return last, nil
}

// checkParts compares the part of each call in a batch with what the ledger holds, before anything
// is written. It returns the seq of each call that is open, or a ledger.Contradiction that names
// every call that does not fit.
func checkParts(
	ctx context.Context, tx *txn, b *ledger.Batch,
) (seqs map[metering.CallID]int64, err error) {
	parts := b.Parts()
	calls, records := make([]string, len(parts)), make([]string, len(parts))
	for i, p := range parts {
		calls[i], records[i] = string(p.Call), p.RecordID()
	}
	if len(parts) == 0 {
		return nil, nil
	}
	rows, err := tx.Query(ctx, `
		SELECT coalesce(o.seq, 0),
			EXISTS (SELECT 1 FROM record r WHERE r.call = p.call)
			OR EXISTS (SELECT 1 FROM record r WHERE r.record = p.record)
		FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS p(call, record, n)
		LEFT JOIN open_call o ON o.call = p.call ORDER BY p.n`, calls, records)
	if err != nil {
		return nil, fmt.Errorf("checking the parts of %d calls: %w", len(parts), hide(err))
	}
	defer rows.Close()
	var found ledger.Contradiction
	seqs, ids := map[metering.CallID]int64{}, map[string]bool{"": true}
	for i := 0; rows.Next(); i++ {
		var seq int64
		var recorded bool
		if err := rows.Scan(&seq, &recorded); err != nil {
			return nil, err
		}
		p := parts[i]
		seqs[p.Call] = seq
		why := p.Contradiction(seq != 0, recorded)
		if why == "" && len(p.Records) > 0 && ids[p.RecordID()] {
			why = "its record has the id of another call's"
		}
		ids[p.RecordID()] = true
		if why != "" {
			c := ledger.ContradictingCall{Call: p.Call, Why: why, Recorded: recorded}
			found.Calls = append(found.Calls, c)
		}
	}
	if len(found.Calls) > 0 {
		return nil, errors.Join(rows.Err(), &found)
	}
	return seqs, hide(rows.Err())
}

// moveNode proves the lease, or that no meter has the node where the whole ledger's gateway has it,
// and moves the watermark forward, or leaves it. It must change one row.
const moveNode = `
	UPDATE node SET
		watermark = greatest(watermark, $2), last_batch = coalesce($3, last_batch),
		checkpoint = CASE WHEN $6 THEN coalesce($4, checkpoint) ELSE $4 END,
		run = CASE WHEN $6 THEN $9 ELSE run END, seq = CASE WHEN $6 THEN $10 ELSE seq END,
		expires_at = CASE WHEN meter IS NULL THEN NULL
			WHEN $5::bigint IS NULL THEN expires_at ELSE clock_timestamp() + $11::interval END
	WHERE node = $1
		AND CASE WHEN $5::bigint IS NULL THEN meter IS NULL OR expires_at <= clock_timestamp()
			ELSE epoch = $5 END
		AND (NOT $6 OR run = $7 AND seq = $8)`

func (s *Store) queueNode(tx *txn, b *ledger.Batch) {
	if b.Node != tx.log {
		tx.queue(addNode, b.Node)
	}
	var watermark, epoch *int64
	var batch *string
	if !b.Watermark.IsZero() {
		at := millis(b.Watermark)
		watermark = &at
	}
	if !s.all {
		epoch = &s.epoch
	}
	if b.ID != "" {
		batch = &b.ID
	}
	advance := ledger.Advance{}
	if b.Advance != nil {
		advance = *b.Advance
	}
	tx.queue(moveNode, b.Node, watermark, batch, b.Checkpoint, epoch, b.Advance != nil,
		advance.From.Run, advance.From.Seq, advance.To.Run, advance.To.Seq, LeaseTime)
	tx.single = tx.queued.Len()
}

// queueCalls writes the calls that the batch opens and identifies, what waits, and what was not
// read.
func queueCalls(tx *txn, b *ledger.Batch) {
	if len(b.Opened) > 0 {
		c := columnsOf(b.Opened)
		tx.queue(`
			INSERT INTO open_call (call, node, service, arrived_at, encrypted_caller)
			SELECT call, node, service, at, caller
			FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bytea[])
				WITH ORDINALITY AS c(call, node, service, at, caller, n) ORDER BY n`,
			c.calls, c.nodes, c.services, c.arrived, c.callers)
	}
	if len(b.Identified) > 0 {
		c := columnsOf(b.Identified)
		tx.queue(`
			UPDATE open_call SET encrypted_caller = c.caller
			FROM unnest($1::text[], $2::bytea[]) AS c(call, caller) WHERE open_call.call = c.call`,
			c.calls, c.callers)
	}
	for i := range b.Pending {
		queuePending(tx, &b.Pending[i])
	}
	for _, r := range b.Rejects {
		tx.queue(`
			INSERT INTO reject (log, node, at, bytes, type, sha256, error)
			VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			tx.log, b.Node, millis(r.At), r.Bytes, []byte(r.Type), r.SHA256, []byte(r.Error))
	}
}

type callColumns struct {
	calls, nodes, services []string
	arrived                []int64
	callers                [][]byte
}

func columnsOf(calls []ledger.OpenCall) (c callColumns) {
	for i := range calls {
		c.calls = append(c.calls, string(calls[i].Call))
		c.nodes = append(c.nodes, calls[i].Node)
		c.services = append(c.services, calls[i].Service)
		c.arrived = append(c.arrived, millis(calls[i].ArrivedAt))
		c.callers = append(c.callers, calls[i].EncryptedCaller)
	}
	return c
}

func queuePending(tx *txn, p *ledger.PendingRecord) {
	tx.queue(`
		INSERT INTO pending_record (call, log, arrived_at, encrypted_caller) VALUES ($1, $2, $3, $4)
		ON CONFLICT (call) DO NOTHING`, string(p.Call), tx.log, millis(p.ArrivedAt), p.EncryptedCaller)
}

// queueRecords keeps records, and enters each into the ledger log.
func queueRecords(ctx context.Context, tx *txn, records []metering.Record) error {
	var ids, calls, services []string
	var versions []int32
	var arrived []int64
	var texts [][]byte
	for i := range records {
		r := &records[i]
		text := r.JSON()
		ids, calls, services = append(ids, r.Record), append(calls, string(r.Call)),
			append(services, r.Service)
		versions = append(versions, int32(r.Version))
		arrived, texts = append(arrived, millis(r.ArrivedAt.Time)), append(texts, text)
		leaf := merkle.NewRecordLeaf(r.Record, text, r.Erased("").JSON())
		if err := tx.appendLeaf(ctx, leaf); err != nil {
			return err
		}
	}
	tx.queue(`
		INSERT INTO record (log, record, call, version, service, arrived_at, json)
		SELECT $1, record, call, version, service, at, json
		FROM unnest($2::text[], $3::text[], $4::int[], $5::text[], $6::bigint[], $7::bytea[])
			WITH ORDINALITY AS r(record, call, version, service, at, json, n) ORDER BY n`,
		tx.log, ids, calls, versions, services, arrived, texts)
	return nil
}
