//go:build live

package main

import (
	"encoding/json"
	"fmt"

	"github.com/risposta/gateway/metering"
)

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
		rows(olderNode...), "and a head was signed at", true, false,
	},
	"a node and its log are removed, whole": {
		rows(append(olderNode, `DELETE FROM leaf WHERE log = 'pbx1'`,
			`DELETE FROM leaf_hash WHERE log = 'pbx1'`, `DELETE FROM head WHERE log = 'pbx1'`,
			`DELETE FROM node WHERE node = 'pbx1'`)...),
		"is of node pbx1, and this is the log of node pbx2", true, false,
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
