// Package audit verifies a ledger from the outside: every record against its evidence and against
// the ledger log, the log against the heads that were signed.
//
// In: a ledger, the public keys of the signed heads ([Verifiers]), and heads that were kept
// elsewhere. Out: a [Report] of what was verified, and of each [Problem] with the record that it is
// about. It changes nothing, and trusts nothing in the ledger that it can compute: hashes are
// computed from the leaves, records from their evidence. It reads the ledger as a stream, so that
// the memory that it needs does not grow with the number of records. It also makes the key that
// heads are signed with ([Signer]).
package audit

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/ledger/merkle"
)

// Problem is one thing that is wrong. Record is "" where it is not about one record.
type Problem struct {
	Record string `json:"record,omitzero"`
	What   string `json:"what"`
}

// Report is what an audit found.
type Report struct {
	Node     string `json:"node,omitzero"` // whose log it is, where each node has one
	Records  int    `json:"records"`       // versions that were verified
	Replayed int    `json:"replayed"`      // of which the evidence gave the same bytes again
	Erased   int    `json:"erased"`        // of which the caller's detail is erased
	Leaves   int64  `json:"leaves"`        // of the log
	Heads    int    `json:"heads"`         // signed heads that agree with the log
	Kept     int    `json:"kept"`          // of which were kept elsewhere
	Unsigned int64  `json:"unsigned"`      // leaves since the newest of them
	// RegisterChanges are the entries in the log of changes of the exemption register.
	RegisterChanges int64     `json:"register_changes,omitzero"`
	Problems        []Problem `json:"problems"`
}

// Options are what an audit is made with.
type Options struct {
	Keys note.Verifiers
	// Node is whose log it is; "" where it is no node's alone.
	Node string
	// Heads are signed heads that were kept elsewhere. Without one the ledger is compared with itself
	// alone: whoever can write it may have made all of it anew.
	Heads [][]byte
	// Since leaves out the evidence of calls that arrived before it. They are still compared with the
	// log.
	Since time.Time
}

// auditor is one audit.
type auditor struct {
	Report
	options  Options
	tree     tree
	records  int64 // leaves of records
	found    int64 // records that have such a leaf
	disputes map[string]*disputed
	register string // hash of the register's newest state; "" for none
	// Of the counts: the hash of the newest leaf of each day, and the newest such day.
	qualityDays map[string]string
	newestDay   string
	reported    map[Problem]bool
}

// maxProblems bounds what is reported: more are of one kind.
const maxProblems = 1000

// Verify verifies the ledger as it is at one instant, also beside a running gateway. The heads in
// the ledger are verified, too. An error means that the ledger could not be read; whatever is wrong
// in it is a problem of the report.
func Verify(ctx context.Context, s ledger.Snapshots, o Options) (report Report, err error) {
	err = s.Snapshot(ctx, func(s ledger.Snapshot) error {
		report, err = verify(ctx, s, o)
		return err
	})
	if err != nil {
		return Report{}, fmt.Errorf("verifying the ledger: %w", err)
	}
	return report, nil
}

func verify(ctx context.Context, s ledger.Snapshot, o Options) (Report, error) {
	a := &auditor{
		options: o, disputes: map[string]*disputed{}, reported: map[Problem]bool{},
		qualityDays: map[string]string{},
	}
	a.Problems, a.Node = []Problem{}, o.Node
	if err := a.readLog(ctx, s); err != nil {
		return Report{}, err
	}
	if err := a.checkCount(ctx, s); err != nil {
		return Report{}, err
	}
	err := s.EveryRecord(ctx, func(row ledger.Row) error { return a.checkRecord(ctx, s, row) })
	if err != nil {
		return Report{}, err
	}
	if a.found != a.records {
		if err := a.findRemoved(ctx, s); err != nil {
			return Report{}, err
		}
	}
	if err := a.checkDisputes(ctx, s); err != nil {
		return Report{}, err
	}
	if err := a.checkQuality(ctx, s); err != nil {
		return Report{}, err
	}
	return a.Report, a.checkRegister(ctx, s)
}

// findRemoved names the records that are in the log only. It runs only where some are missing: it
// needs memory for each record.
func (a *auditor) findRemoved(ctx context.Context, s ledger.Snapshot) error {
	there := map[string]bool{}
	err := s.EveryRecord(ctx, func(row ledger.Row) error {
		there[row.Record] = true
		return nil
	})
	if err != nil {
		return err
	}
	return s.Leaves(ctx, func(_ int64, record string, text []byte) error {
		leaf, err := merkle.ParseLeaf(text)
		if err == nil && leaf.Kind == merkle.Record && !there[record] {
			a.report(record, "is in the log, and not among the records: it was removed")
		}
		return nil // readLog has reported a leaf that cannot be read
	})
}

// report adds a problem, each one once.
func (a *auditor) report(record, format string, args ...any) {
	p := Problem{Record: record, What: fmt.Sprintf(format, args...)}
	if a.reported[p] || len(a.reported) >= maxProblems {
		return
	}
	a.reported[p] = true
	a.Problems = append(a.Problems, p)
}
