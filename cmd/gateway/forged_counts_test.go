package main

import (
	"encoding/json"
	"errors"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/quality"
)

const (
	countedDay = "2026-11-23" // on which both calls of the ledger arrived
	shorter    = `UPDATE quality SET counts =
		CAST(replace(CAST(counts AS TEXT), '"waited_ms":', '"waited_ms":1') AS BLOB)`
	another = `UPDATE quality SET counts =
		CAST(replace(CAST(counts AS TEXT), '"offered":1', '"offered":2') AS BLOB)`
)

// enterCounts enters the counts of the day into the log, as they are.
func (f forger) enterCounts() {
	f.t.Helper()
	query, err := f.db.Query(`
		SELECT day, hour, service, queue, operator, counts FROM quality WHERE day = ?
		ORDER BY day, hour, service, queue, operator`, countedDay)
	if err != nil {
		f.t.Fatal(err)
	}
	defer func() {
		if err := query.Close(); err != nil {
			f.t.Error(err)
		}
	}()
	var rows []quality.Row
	for query.Next() {
		var row quality.Row
		var counts []byte
		err := query.Scan(&row.Day, &row.Hour, &row.Service, &row.Queue, &row.Operator, &counts)
		if err = errors.Join(err, json.Unmarshal(counts, &row.Counts)); err != nil {
			f.t.Fatal(err)
		}
		rows = append(rows, row)
	}
	if err := query.Err(); err != nil {
		f.t.Fatal(err)
	}
	f.enter(ledger.QualityLeaf(countedDay, rows))
}

// countForgeries are those of what is counted of the calls.
var countForgeries = map[string]forgery{
	"counts are changed": {statements(another), "the counts of 2026-11-23 are not those of the log", true},
	"counts are removed": {
		statements(`DELETE FROM quality`),
		"the counts of 2026-11-23 are in the log, and not in the ledger: they were removed", true,
	},
	"counts of another day are inserted": {
		statements(`INSERT INTO quality SELECT '2026-11-22', hour, service, queue, operator, counts
			FROM quality`),
		"the counts of 2026-11-22 are not in the log, which has later ones", true,
	},
	"counts are changed, and entered into the log": {
		func(f forger) {
			f.exec(shorter)
			f.enterCounts()
		},
		"of 2026-11-23 are not those of its records", true,
	},
	"counts of an erased call are changed, and entered into the log": {
		func(f forger) {
			f.erase(func(*metering.Record) {})
			f.exec(another)
			f.enterCounts()
		},
		"calls beside its records, and 1 are erased", true,
	},
}
