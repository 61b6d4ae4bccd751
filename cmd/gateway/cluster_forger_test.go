//go:build live

package main

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/ledger/merkle"
)

// rowForger changes a ledger in PostgreSQL with everything that its owner has, but for the key.
type rowForger struct {
	t    *testing.T
	conn *pgx.Conn
}

func (f rowForger) exec(statement string, args ...any) {
	f.t.Helper()
	if _, err := f.conn.Exec(context.WithoutCancel(f.t.Context()), statement, args...); err != nil {
		f.t.Fatalf("%s: %v", statement, err)
	}
}

func (f rowForger) scan(into any, statement string, args ...any) {
	f.t.Helper()
	if err := f.conn.QueryRow(f.t.Context(), statement, args...).Scan(into); err != nil {
		f.t.Fatalf("%s: %v", statement, err)
	}
}

// enter appends a leaf to a node's log as its meter would, with its hashes.
func (f rowForger) enter(log string, leaf merkle.Leaf) {
	f.t.Helper()
	var n int64
	f.scan(&n, `SELECT max(n) + 1 FROM leaf WHERE log = $1`, log)
	added, err := merkle.Hashes(n, leaf, tlog.HashReaderFunc(func(at []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(at))
		for k, i := range at {
			var b []byte
			f.scan(&b, `SELECT hash FROM leaf_hash WHERE log = $1 AND i = $2`, log, i)
			out[k] = tlog.Hash(b)
		}
		return out, nil
	}))
	if err != nil {
		f.t.Fatal(err)
	}
	f.exec(`INSERT INTO leaf (log, n, record, text) VALUES ($1, $2, $3, $4)`,
		log, n, leaf.Record, leaf.Text())
	for k, h := range added {
		f.exec(`INSERT INTO leaf_hash (log, i, hash) VALUES ($1, $2, $3)`,
			log, merkle.Stored(n)+int64(k), h[:])
	}
	f.exec(`UPDATE node SET leaves = $2 WHERE node = $1`, log, n+1)
}

// enterRecord enters a record's leaf.
func (f rowForger) enterRecord(log string, r metering.Record) {
	f.t.Helper()
	f.enter(log, merkle.NewRecordLeaf(r.Record, r.JSON(), r.Erased("").JSON()))
}

// first is the first record of the first node, which charges 0.14.
func (f rowForger) first() (r metering.Record) {
	f.t.Helper()
	var text []byte
	f.scan(&text, `SELECT json FROM record WHERE log = 'pbx1' ORDER BY seq LIMIT 1`)
	if err := json.Unmarshal(text, &r); err != nil {
		f.t.Fatal(err)
	}
	return r
}

// insert inserts a record without a leaf.
func (f rowForger) insert(log string, r metering.Record, erased any) {
	f.t.Helper()
	f.exec(`INSERT INTO record (log, record, call, version, service, arrived_at, json, erased_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, log, r.Record, string(r.Call), r.Version, r.Service,
		r.ArrivedAt.UnixMilli(), r.JSON(), erased)
}

// evidence gives a record evidence that is made from that of the first record.
func (f rowForger) evidence(record string, change func(lines []byte) []byte) {
	f.t.Helper()
	var text []byte
	f.scan(&text, `SELECT frames FROM evidence WHERE seq = `+firstSeq)
	lines, err := ledger.Decompress(text)
	if err != nil {
		f.t.Fatal(err)
	}
	f.exec(`INSERT INTO evidence SELECT seq, $2 FROM record WHERE record = $1
		ON CONFLICT (seq) DO UPDATE SET frames = excluded.frames`,
		record, ledger.Compress(change(lines)))
}

// erase erases the first record properly, but for what change does to what is left.
func (f rowForger) erase(change func(*metering.Record)) {
	f.t.Helper()
	r := f.first()
	erased := r.Erased("e-1")
	change(&erased)
	f.exec(`DELETE FROM evidence WHERE seq = ` + firstSeq)
	f.exec(`UPDATE record SET json = $1, call = 'e-1', arrived_at = $2, erased_at = 1
		WHERE record = $3`, erased.JSON(), erased.ArrivedAt.UnixMilli(), r.Record)
	f.enter(nodes[0], merkle.NewLeaf(merkle.Erasure, r.Record, erased.JSON()))
}

// rowForgery is one way to change the first node's part of the ledger.
type rowForgery struct {
	forge func(rowForger)
	want  string
	alone bool
}

func rows(all ...string) func(rowForger) {
	return func(f rowForger) {
		for _, s := range all {
			f.exec(s)
		}
	}
}

// forge changes the ledger until the test ends.
func (c *clusterLedger) forge(t *testing.T, forge func(rowForger)) {
	t.Helper()
	t.Cleanup(func() { c.execute(t, c.reset) })
	forge(rowForger{t, c.conn})
}
