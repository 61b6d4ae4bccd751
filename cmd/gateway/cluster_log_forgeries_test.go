//go:build live

package main

import (
	"encoding/json"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/quality"
)

// nodeLogForgeries are the counterparts of logForgeries and countForgeries, on the log of pbx1.
var nodeLogForgeries = map[string]rowForgery{
	"a dispute is removed": {rows(`DELETE FROM dispute`), "has a dispute in the log, and none beside it", true},
	"a dispute is closed":  {rows(`UPDATE dispute SET closed_at = 1`), "has a dispute that was changed", true},
	"a dispute's note":     {rows(`UPDATE dispute SET note = 'none'`), "has a dispute that was changed", true},
	"a dispute is inserted": {
		rows(`INSERT INTO dispute (call, log, opened_at, note) VALUES ('c', 'pbx1', 1, '')`),
		"the dispute of call c is not in the log", true,
	},
	"the register's state is changed": {
		rows(`UPDATE node SET register = 'older' WHERE node = 'pbx1'`),
		"of the exemption register is not what the log has", true,
	},
	"the register's state is removed": {
		rows(`UPDATE node SET register = NULL WHERE node = 'pbx1'`),
		"of the exemption register is not what the log has", true,
	},
	"leaves change places": {
		rows(`UPDATE leaf SET n = 9 WHERE log = 'pbx1' AND n = 1`,
			`UPDATE leaf SET n = 1 WHERE log = 'pbx1' AND n = 2`,
			`UPDATE leaf SET n = 2 WHERE log = 'pbx1' AND n = 9`),
		"stands in the log where another leaf stood", true,
	},
	"a leaf is removed": {
		rows(`DELETE FROM leaf WHERE log = 'pbx1' AND n = 1`),
		"a leaf was removed or inserted before it", true,
	},
	"a leaf is entered twice": {
		func(f rowForger) { f.enterRecord("pbx1", f.first()) }, "was entered into the log twice", true,
	},
	"a hash is changed": {
		rows(`UPDATE leaf_hash SET hash = decode(repeat('00', 32), 'hex') WHERE log = 'pbx1' AND i = 2`),
		"stands in the log where another leaf stood", true,
	},
	"the last leaf is removed": {
		rows(`DELETE FROM leaf WHERE log = 'pbx1'
			AND n = (SELECT max(n) FROM leaf WHERE log = 'pbx1')`),
		"leaves were removed at its end", true,
	},
	"a head is removed": {
		rows(`DELETE FROM head WHERE ` + newestHead),
		"the head that was signed at 5 leaves is missing", true,
	},
	"all heads are removed": {
		rows(`DELETE FROM head WHERE log = 'pbx1'`), "the ledger has no signed head", true,
	},
	"a head is forged": {
		rows(`UPDATE head SET note = convert_to(replace(convert_from(note, 'UTF8'),
			E'\n5\n', E'\n4\n'), 'UTF8') WHERE ` + newestHead),
		"the head's signature", true,
	},
	"a head is signed with a key that was made anew": {
		func(f rowForger) {
			h := sign(f.t, resigner{forger{t: f.t}}, f.t.TempDir()+"/key")
			f.exec(`UPDATE head SET note = $1 WHERE `+newestHead, h.Note)
		},
		"the head's signature", true,
	},
	"the ledger is put back to an older state": {
		rows(olderNode...), "and a head was signed at", false,
	},
	"counts are changed": {rows(anotherRow), "the counts of 2026-11-23 are not those of the log", true},
	"counts are removed": {
		rows(`DELETE FROM quality WHERE log = 'pbx1'`),
		"the counts of 2026-11-23 are in the log, and not in the ledger: they were removed", true,
	},
	"counts of another day are inserted": {
		rows(`INSERT INTO quality SELECT log, '2026-11-22', hour, service, queue, operator, counts
			FROM quality WHERE log = 'pbx1'`),
		"the counts of 2026-11-22 are not in the log, which has later ones", true,
	},
	"counts are changed, and entered into the log": {
		func(f rowForger) {
			f.exec(shorterRow)
			f.enterCounts()
		},
		"of 2026-11-23 are not those of its records", true,
	},
	"counts of an erased call are changed, and entered into the log": {
		func(f rowForger) {
			f.erase(func(*metering.Record) {})
			f.exec(anotherRow)
			f.enterCounts()
		},
		"calls beside its records, and 1 are erased", true,
	},
}

// olderNode puts a node back to its empty log, whole.
var olderNode = []string{
	`DELETE FROM evidence WHERE seq IN (SELECT seq FROM record WHERE log = 'pbx1')`,
	`DELETE FROM record WHERE log = 'pbx1'`, `DELETE FROM dispute`,
	`DELETE FROM quality WHERE log = 'pbx1'`, `DELETE FROM leaf WHERE log = 'pbx1' AND n > 0`,
	`DELETE FROM leaf_hash WHERE log = 'pbx1' AND i > 0`,
	`DELETE FROM head WHERE ` + newestHead,
	`UPDATE node SET leaves = 1, register = NULL, counted = 0, closed_day = '', run = '', seq = 0,
		watermark = NULL WHERE node = 'pbx1'`,
}

const (
	shorterRow = `UPDATE quality SET counts = convert_to(replace(convert_from(counts, 'UTF8'),
		'"waited_ms":', '"waited_ms":1'), 'UTF8') WHERE log = 'pbx1'`
	anotherRow = `UPDATE quality SET counts = convert_to(replace(convert_from(counts, 'UTF8'),
		'"offered":1', '"offered":2'), 'UTF8') WHERE log = 'pbx1'`
)

// enterCounts enters the counts of the day into the log of pbx1, as they are.
func (f rowForger) enterCounts() {
	f.t.Helper()
	found, err := f.conn.Query(f.t.Context(), `
		SELECT day, hour, service, queue, operator, counts FROM quality
		WHERE log = 'pbx1' AND day = $1 ORDER BY day, hour, service, queue, operator`, countedDay)
	if err != nil {
		f.t.Fatal(err)
	}
	var all []quality.Row
	for found.Next() {
		var row quality.Row
		var counts []byte
		err := found.Scan(&row.Day, &row.Hour, &row.Service, &row.Queue, &row.Operator, &counts)
		if err == nil {
			err = json.Unmarshal(counts, &row.Counts)
		}
		if err != nil {
			f.t.Fatal(err)
		}
		all = append(all, row)
	}
	if err := found.Err(); err != nil {
		f.t.Fatal(err)
	}
	f.enter("pbx1", ledger.QualityLeaf(countedDay, all))
}
