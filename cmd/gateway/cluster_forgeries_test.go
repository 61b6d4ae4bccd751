//go:build live

package main

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/ledger/merkle"
	"github.com/risposta/gateway/metering/quality"
)

const (
	firstSeq  = `(SELECT min(seq) FROM record WHERE log = 'pbx1')`
	ofFirst   = ` WHERE seq = ` + firstSeq
	dearerRow = `UPDATE record SET json = convert_to(replace(convert_from(json, 'UTF8'),
		'"amount":"0.14"', '"amount":"0.99"'), 'UTF8')` + ofFirst
	// The leaves of a node are: the head of the empty log, two records, each followed by the counts
	// of its day, the newest head; of pbx1 also a state of the register and a dispute.
	newestHead = `log = 'pbx1' AND seq = (SELECT max(seq) FROM head WHERE log = 'pbx1')`
)

// nodeForgeries are the counterparts of those of a ledger in a file, on the log of pbx1.
var nodeForgeries = map[string]rowForgery{
	"a charge is changed": {rows(dearerRow), "was changed since it was committed", true},
	"a record is removed": {rows(`DELETE FROM record` + ofFirst), "it was removed", true},
	"a record is inserted": {
		func(f rowForger) {
			r := f.first()
			r.Record, r.Call = "r-new", "c"
			f.insert("pbx1", r, nil)
		},
		"r-new is among the records, and not in the log: it was inserted", true,
	},
	"a record without evidence charges": {
		func(f rowForger) {
			r := f.first()
			r.Record, r.Call, r.Evidence.Events = "r-new", "c", 0
			f.insert("pbx1", r, nil)
			f.enterRecord("pbx1", r)
		},
		"r-new has no evidence, and charges 0.14 EUR", true,
	},
	"a record with invented evidence": {
		func(f rowForger) {
			r := f.first()
			r.Record, r.Call = "r-new", "c"
			f.insert("pbx1", r, nil)
			f.evidence(r.Record, func(lines []byte) []byte {
				return bytes.Join(bytes.SplitAfter(lines, []byte("\n"))[:9], nil)
			})
			f.enterRecord("pbx1", r)
		},
		"r-new is version 1; its evidence gives 0", true,
	},
	"a later version without evidence makes a call free": {
		func(f rowForger) {
			r := free(f.first())
			f.insert("pbx1", r, nil)
			f.enterRecord("pbx1", r)
		},
		"is version 2, and has no evidence", true,
	},
	"an erasure raises the charge": {
		func(f rowForger) { f.erase(func(r *metering.Record) { r.Charge.Minor = 9900 }) },
		"was changed when its detail was erased: now 99.00 EUR", true,
	},
	"an erasure moves the record to another service": {
		func(f rowForger) {
			f.erase(func(r *metering.Record) { r.Service = "other" })
			f.exec(`UPDATE record SET service = 'other'` + ofFirst)
		},
		"was changed when its detail was erased", true,
	},
	"an erased record that never was": {
		func(f rowForger) {
			r := f.first()
			r.Record = "r-new"
			r = r.Erased("e-2")
			f.insert("pbx1", r, 1)
			f.enter("pbx1", merkle.NewLeaf(merkle.Erasure, r.Record, r.JSON()))
		},
		"r-new is among the records, and not in the log", true,
	},
	"an erased record is changed": {
		func(f rowForger) {
			f.erase(func(*metering.Record) {})
			f.exec(dearerRow)
		},
		"was changed since its detail was erased: now 0.99 EUR", true,
	},
	"an erasure that the log does not have": {
		rows(`UPDATE record SET erased_at = 1, json = convert_to(replace(convert_from(json, 'UTF8'),
			'"evidence"', '"detail_erased":true,"evidence"'), 'UTF8')` + ofFirst),
		"says that its detail was erased, and no erasure is in the log", true,
	},
	"evidence is changed": {
		func(f rowForger) {
			f.evidence(f.first().Record, func(lines []byte) []byte {
				return bytes.ReplaceAll(lines, []byte("ChannelUnhold"), []byte("ChannelHold"))
			})
		},
		"its evidence", true,
	},
	"evidence is damaged": {
		rows(`UPDATE evidence SET frames = substr(frames, 1, 40)` + ofFirst), "the evidence is damaged", true,
	},
	"evidence is removed": {
		rows(`DELETE FROM evidence` + ofFirst), "has evidence that can't be replayed", true,
	},
	"a column leaves a period": {
		rows(`UPDATE record SET arrived_at = arrived_at - 86400000` + ofFirst),
		"has the column arrived_at of another record", true,
	},
	"a column leaves a service": {
		rows(`UPDATE record SET service = 'free'` + ofFirst),
		"has the column service of another record", true,
	},
	"a column names another call": {
		rows(`UPDATE record SET call = 'x'` + ofFirst), "has the column call of another record", true,
	},
	"an old version becomes the newest": {
		rows(`UPDATE record SET version = 7` + ofFirst), "has the column version of another record", true,
	},
	"a column says that the detail is erased": {
		rows(`UPDATE record SET erased_at = 1` + ofFirst),
		"has the column erased_at of another record", true,
	},
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
		rows(olderNode...), "agrees with the log of no node", false,
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

// clusterForgery is one that a ledger in a file cannot have. kept: it is named where the nodes' heads
// were kept elsewhere.
type clusterForgery struct {
	forge       func(rowForger)
	want        string
	kept, alone bool
}

// inEachTable swaps two nodes, or moves one, in every table that the log covers.
func inEachTable(statement string) (all []string) {
	for _, table := range []string{"record", "leaf", "leaf_hash", "head", "quality", "dispute"} {
		all = append(all, fmt.Sprintf(statement, table))
	}
	return all
}

// swapped swaps the logs of the nodes.
func swapped() []string {
	return append(append(append(inEachTable(`UPDATE %s SET log = 'x' WHERE log = 'pbx1'`),
		inEachTable(`UPDATE %s SET log = 'pbx1' WHERE log = 'pbx2'`)...),
		inEachTable(`UPDATE %s SET log = 'pbx2' WHERE log = 'x'`)...),
		`UPDATE node SET node = 'x' WHERE node = 'pbx1'`,
		`UPDATE node SET node = 'pbx1' WHERE node = 'pbx2'`,
		`UPDATE node SET node = 'pbx2' WHERE node = 'x'`)
}

var clusterForgeries = map[string]clusterForgery{
	"a record is moved to another node's log": {
		rows(`UPDATE record SET log = 'pbx2'` + ofFirst), "it was removed", true, true,
	},
	"a record is moved to another node's log, and entered there": {
		func(f rowForger) {
			f.exec(`UPDATE record SET log = 'pbx2'` + ofFirst)
			f.enterRecord("pbx2", f.moved())
		},
		"it was removed", true, true,
	},
	"a record is copied into another node's log, and entered there": {
		func(f rowForger) {
			f.exec(`ALTER TABLE record DROP CONSTRAINT record_record_key,
				DROP CONSTRAINT record_call_version_key`)
			r := f.first()
			f.insert("pbx2", r, nil)
			f.enterRecord("pbx2", r)
			f.exec(`INSERT INTO evidence SELECT (SELECT max(seq) FROM record), frames FROM evidence` + ofFirst)
		},
		"is in the log of pbx2, and is a record of pbx1", true, true,
	},
	"a later version in another node's log makes a call free": {
		func(f rowForger) { f.insertFreeVersion("pbx1") },
		"is in the log of pbx2, and is a record of pbx1", true, true,
	},
	"a later version in another node's log makes a call free, and names that node": {
		func(f rowForger) { f.insertFreeVersion("pbx2") },
		"is version 2, and has no evidence", true, true,
	},
	"evidence of another node's call": {
		rows(`UPDATE evidence SET frames = (SELECT frames FROM evidence
			WHERE seq = (SELECT min(seq) FROM record WHERE log = 'pbx2'))` + ofFirst),
		"its evidence gives", true, true,
	},
	"two nodes' heads are swapped": {
		rows(`UPDATE head SET log = CASE log WHEN 'pbx1' THEN 'pbx2' ELSE 'pbx1' END`),
		"a signed head is not in the log", true, true,
	},
	"two nodes' logs are swapped": {rows(swapped()...), "is in the log of pbx1, and is a record of pbx2", true, true},
	"a node is hidden": {
		rows(`UPDATE node SET leaves = 0 WHERE node = 'pbx1'`), "the ledger takes its log to have 0", true, true,
	},
	"a node is hidden, and a charge of it changed": {
		rows(dearerRow, `UPDATE node SET leaves = 0 WHERE node = 'pbx1'`),
		"was changed since it was committed", true, true,
	},
	"a node's row is removed": {
		rows(`DELETE FROM node WHERE node = 'pbx1'`), "the ledger takes its log to have 0", true, true,
	},
	"a record in the log of a node that never was": {
		func(f rowForger) {
			f.exec(`INSERT INTO node (node) VALUES ('pbx3')`)
			r := f.first()
			r.Record, r.Call, r.Node = "r-new", "c", "pbx3"
			f.insert("pbx3", r, nil)
		},
		"r-new is among the records, and not in the log: it was inserted", true, true,
	},
	"counts in the log of a node that never was": {
		rows(`INSERT INTO quality SELECT 'pbx3', day, hour, service, queue, operator, counts FROM quality
			WHERE log = 'pbx1'`),
		"are not those of its records", true, true,
	},
	"a dispute is moved to another node's log": {
		rows(`UPDATE dispute SET log = 'pbx2'`), "it was inserted", true, true,
	},
	"a node's log is cut at its end, as its leaves and hashes are": {
		rows(`DELETE FROM leaf WHERE log = 'pbx1' AND n > 5`,
			`DELETE FROM leaf_hash WHERE log = 'pbx1' AND i > 9`, `DELETE FROM dispute`,
			`UPDATE node SET register = NULL WHERE node = 'pbx1'`),
		"the ledger takes its log to have 8", true, true,
	},
	"a node's log is cut at its newest head, with all that follows from it": {
		rows(`DELETE FROM leaf WHERE log = 'pbx1' AND n > 5`,
			`DELETE FROM leaf_hash WHERE log = 'pbx1' AND i > 9`, `DELETE FROM dispute`,
			`UPDATE node SET register = NULL, leaves = 6 WHERE node = 'pbx1'`),
		"removed", false, false,
	},
	"a node's log is cut before its newest head, with all that follows from it": {
		rows(olderNode...), "agrees with the log of no node", true, false,
	},
	"a node and its log are removed, whole": {
		rows(append(olderNode, `DELETE FROM leaf WHERE log = 'pbx1'`,
			`DELETE FROM leaf_hash WHERE log = 'pbx1'`, `DELETE FROM head WHERE log = 'pbx1'`,
			`DELETE FROM node WHERE node = 'pbx1'`)...),
		"a head that was kept elsewhere agrees with the log of no node", true, false,
	},
	"a node's hashes are removed": {
		rows(`DELETE FROM leaf_hash WHERE log = 'pbx1' AND i > 0`), "stands in the log where", true, true,
	},
	"a node's epoch is set back":    {rows(`UPDATE node SET epoch = 0`), "epoch", false, false},
	"a node's position is set back": {rows(`UPDATE node SET run = '', seq = 0`), "position", false, false},
}

// moved is the first record of pbx1, which is in the log of pbx2.
func (f rowForger) moved() (r metering.Record) {
	f.t.Helper()
	var text []byte
	f.scan(&text, `SELECT json FROM record ORDER BY seq LIMIT 1`)
	if err := json.Unmarshal(text, &r); err != nil {
		f.t.Fatal(err)
	}
	return r
}

// insertFreeVersion inserts a second version of pbx1's first call into the log of pbx2, which names
// a node.
func (f rowForger) insertFreeVersion(node string) {
	f.t.Helper()
	r := free(f.first())
	r.Node = node
	f.insert("pbx2", r, nil)
	f.enterRecord("pbx2", r)
}
