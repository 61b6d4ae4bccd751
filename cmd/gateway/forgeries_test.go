package main

import (
	"bytes"
	"strings"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger/merkle"
)

const (
	firstRecord = `(SELECT record FROM record ORDER BY seq LIMIT 1)`
	dearer      = `CAST(replace(CAST(json AS TEXT), '"amount":"0.14"', '"amount":"0.99"') AS BLOB)`
	// The leaves of the ledger are: the head of the empty log, two records, each followed by the counts
	// of its day, the newest head, a dispute, a state of the register.
	lastLeaf = `(SELECT max(n) FROM leaf)`
)

var recordForgeries = map[string]forgery{
	"a charge is changed": {
		statements(`UPDATE record SET json = ` + dearer + ` WHERE record = ` + firstRecord),
		"was changed since it was committed", true,
	},
	"a record is removed": {statements(`DELETE FROM record WHERE record = ` + firstRecord), "it was removed", true},
	"a record is inserted": {
		func(f forger) {
			r := f.first()
			r.Record, r.Call = "r-new", "c"
			f.insert(r, nil)
		},
		"r-new is among the records, and not in the log: it was inserted", true,
	},
	"a record without evidence charges": {
		func(f forger) {
			r := f.first()
			r.Record, r.Call, r.Evidence.Events = "r-new", "c", 0
			f.insert(r, nil)
			f.enter(merkle.NewRecordLeaf(r.Record, r.JSON(), r.Erased("").JSON()))
		},
		"r-new has no evidence, and charges 0.14 EUR", true,
	},
	"a record with invented evidence": {
		func(f forger) {
			r := f.first()
			r.Record, r.Call = "r-new", "c"
			f.insert(r, nil)
			f.evidence(r.Record, func(lines []byte) []byte {
				return bytes.Join(bytes.SplitAfter(lines, []byte("\n"))[:9], nil)
			})
			f.enter(merkle.NewRecordLeaf(r.Record, r.JSON(), r.Erased("").JSON()))
		},
		"r-new is version 1; its evidence gives 0", true,
	},
	"a later version without evidence makes a call free": {
		func(f forger) {
			r := free(f.first())
			f.insert(r, nil)
			f.enter(merkle.NewRecordLeaf(r.Record, r.JSON(), r.Erased("").JSON()))
		},
		"is version 2, and has no evidence", true,
	},
	"an erasure raises the charge": {
		func(f forger) { f.erase(func(r *metering.Record) { r.Charge.Minor = 9900 }) },
		"was changed when its detail was erased: now 99.00 EUR", true,
	},
	"an erasure moves the record to another service": {
		func(f forger) {
			f.erase(func(r *metering.Record) { r.Service = "other" })
			f.exec(`UPDATE record SET service = 'other' WHERE record = ` + firstRecord)
		},
		"was changed when its detail was erased", true,
	},
	"an erased record that never was": {
		func(f forger) {
			r := f.first()
			r.Record = "r-new"
			r = r.Erased("e-2")
			f.insert(r, 1)
			f.enter(merkle.NewLeaf(merkle.Erasure, r.Record, r.JSON()))
		},
		"r-new is among the records, and not in the log", true,
	},
	"an erased record is changed": {
		func(f forger) {
			f.erase(func(*metering.Record) {})
			f.exec(`UPDATE record SET json = ` + dearer + ` WHERE record = ` + firstRecord)
		},
		"was changed since its detail was erased: now 0.99 EUR", true,
	},
	"an erasure that the log does not have": {
		statements(`UPDATE record SET erased_at = 1, json = CAST(replace(CAST(json AS TEXT),
			'"evidence"', '"detail_erased":true,"evidence"') AS BLOB) WHERE record = ` + firstRecord),
		"says that its detail was erased, and no erasure is in the log", true,
	},
	"evidence is changed": {
		func(f forger) {
			f.evidence(f.first().Record, func(lines []byte) []byte {
				return bytes.ReplaceAll(lines, []byte("ChannelUnhold"), []byte("ChannelHold"))
			})
		},
		"its evidence", true,
	},
	"evidence is damaged": {
		statements(`UPDATE record SET frames = CAST(substr(frames, 1, 40) AS BLOB)`),
		"the evidence is damaged", true,
	},
	"evidence is removed": {statements(`UPDATE record SET frames = NULL`), "has evidence that can't be replayed", true},
	"a column leaves a period": {
		statements(`UPDATE record SET arrived_at = arrived_at - 86400000 WHERE record = ` + firstRecord),
		"has the column arrived_at of another record", true,
	},
	"a column leaves a service": {
		statements(`UPDATE record SET service = 'free' WHERE record = ` + firstRecord),
		"has the column service of another record", true,
	},
	"a column names another call": {
		statements(`UPDATE record SET call = 'x' WHERE record = ` + firstRecord),
		"has the column call of another record", true,
	},
	"an old version becomes the newest": {
		statements(`UPDATE record SET version = 7 WHERE record = ` + firstRecord),
		"has the column version of another record", true,
	},
	"a column says that the detail is erased": {
		statements(`UPDATE record SET erased_at = 1 WHERE record = ` + firstRecord),
		"has the column erased_at of another record", true,
	},
}

// free is a second version that charges nothing, for no reason that the evidence has.
func free(r metering.Record) metering.Record {
	r.Record, r.Version = strings.TrimSuffix(r.Record, "1")+"2", 2
	r.Charge.Minor, r.Evidence = 0, metering.Evidence{}
	r.Reasons = []metering.Reason{metering.ReasonCredited}
	return r
}

var logForgeries = map[string]forgery{
	"a dispute is removed": {statements(`DELETE FROM dispute`), "has a dispute in the log, and none beside it", true},
	"a dispute is closed":  {statements(`UPDATE dispute SET closed_at = 1`), "has a dispute that was changed", true},
	"a dispute's note":     {statements(`UPDATE dispute SET note = 'none'`), "has a dispute that was changed", true},
	"a dispute is inserted": {
		statements(`INSERT INTO dispute (call, opened_at, note) VALUES ('c', 1, '')`),
		"the dispute of call c is not in the log", true,
	},
	"the register's state is changed": {
		statements(`UPDATE noted_register SET state = CAST('older' AS BLOB)`),
		"of the exemption register is not what the log has", true,
	},
	"the register's state is removed": {
		statements(`DELETE FROM noted_register`), "of the exemption register is not what the log has", true,
	},
	"leaves change places": {
		statements(`UPDATE leaf SET n = 9 WHERE n = 1`, `UPDATE leaf SET n = 1 WHERE n = 2`,
			`UPDATE leaf SET n = 2 WHERE n = 9`),
		"stands in the log where another leaf stood", true,
	},
	"a leaf is removed": {
		statements(`DELETE FROM leaf WHERE n = 1`), "a leaf was removed or inserted before it", true,
	},
	"a leaf is entered twice": {
		func(f forger) {
			r := f.first()
			f.enter(merkle.NewRecordLeaf(r.Record, r.JSON(), r.Erased("").JSON()))
		},
		"was entered into the log twice", true,
	},
	"a hash is changed": {
		statements(`UPDATE leaf_hash SET hash = zeroblob(32) WHERE i = 2`),
		"stands in the log where another leaf stood", true,
	},
	"the last leaf is removed": {
		statements(`DELETE FROM leaf WHERE n = ` + lastLeaf), "leaves were removed at its end", true,
	},
	"a head is removed": {
		statements(`DELETE FROM head WHERE seq = 2`), "the head that was signed at 5 leaves is missing", true,
	},
	"all heads are removed": {statements(`DELETE FROM head`), "the ledger has no signed head", true},
	"a head is forged": {
		statements(`UPDATE head SET note = CAST(replace(CAST(note AS TEXT),
			char(10) || '5' || char(10), char(10) || '4' || char(10)) AS BLOB)`),
		"the head's signature", true,
	},
	"a head is signed with a key that was made anew": {
		func(f forger) {
			file := f.t.TempDir() + "/key"
			h := sign(f.t, resigner{f}, file)
			f.exec(`UPDATE head SET note = ? WHERE seq = 2`, h.Note)
		},
		"the head's signature", true,
	},
	"the ledger is put back to an older state": {
		statements(`DELETE FROM noted_register`, `DELETE FROM dispute`, `DELETE FROM record`,
			`DELETE FROM quality`, `DELETE FROM leaf WHERE n > 0`,
			`DELETE FROM leaf_hash WHERE i > 0`, `DELETE FROM head WHERE seq > 1`),
		"the log has 1 leaves, and a head was signed at 5", false,
	},
}
