//go:build live

package main

import (
	"bytes"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger/merkle"
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

// nodeRecordForgeries are the counterparts of recordForgeries, on the log of pbx1.
var nodeRecordForgeries = map[string]rowForgery{
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
}
