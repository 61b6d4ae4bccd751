// Package audit verifies a ledger from the outside: every record against its evidence and against
// the ledger log, the log against the heads that were signed.
//
// In: a ledger, the public key of the signed heads ([Verifier]), and heads that were kept
// elsewhere. Out: a [Report] of what was verified, and of each [Problem] with the record that it is
// about. It changes nothing, and trusts nothing in the ledger that it can compute: hashes are
// computed from the leaves, records from their evidence. It also makes the key that heads are
// signed with ([Signer]).
package audit

import (
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

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
	Records  int   `json:"records"`  // versions that were verified
	Replayed int   `json:"replayed"` // of which the evidence gave the same bytes again
	Erased   int   `json:"erased"`   // of which the caller's detail is erased
	Leaves   int64 `json:"leaves"`   // of the log
	Heads    int   `json:"heads"`    // signed heads that agree with the log
	Unsigned int64 `json:"unsigned"` // leaves since the newest of them
	// RegisterChanges are the entries in the log of changes of the exemption register.
	RegisterChanges int64     `json:"register_changes,omitzero"`
	Problems        []Problem `json:"problems"`
}

// auditor is one audit.
type auditor struct {
	Report
	log      merkle.Memory // computed from the leaves
	hashes   []tlog.Hash   // as stored
	known    map[string]*entry
	order    []string // of the records, as they entered the log
	reported map[Problem]bool
}

// entry is what the log has of one record.
type entry struct {
	committed, erased string // SHA-256 of its JSON
	found             bool   // among the records
}

// Verify verifies the ledger as it is at one instant, also beside a running gateway. heads are
// signed heads that were kept elsewhere; those in the ledger are verified, too. An error means that
// the ledger could not be read; whatever is wrong in it is a problem of the report.
func Verify(
	ctx context.Context, s ledger.Snapshots, key note.Verifier, heads [][]byte,
) (report Report, err error) {
	err = s.Snapshot(ctx, func(s ledger.Snapshot) error {
		report, err = verify(ctx, s, key, heads)
		return err
	})
	if err != nil {
		return Report{}, fmt.Errorf("verifying the ledger: %w", err)
	}
	return report, nil
}

func verify(
	ctx context.Context, s ledger.Snapshot, key note.Verifier, heads [][]byte,
) (Report, error) {
	a := &auditor{known: map[string]*entry{}, reported: map[Problem]bool{}}
	a.Problems = []Problem{}
	if err := a.readLog(ctx, s); err != nil {
		return Report{}, err
	}
	own, err := s.Heads(ctx)
	if err != nil {
		return Report{}, err
	}
	if err := a.checkHeads(append(own, heads...), key); err != nil {
		return Report{}, err
	}
	err = s.EveryRecord(ctx, func(record string, text []byte) error {
		return a.checkRecord(ctx, s, record, text)
	})
	if err != nil {
		return Report{}, err
	}
	for _, record := range a.order {
		if !a.known[record].found {
			a.report(record, "is in the log, and not among the records: it was removed")
		}
	}
	a.Leaves = a.log.Len()
	return a.Report, nil
}

// report adds a problem, each one once.
func (a *auditor) report(record, format string, args ...any) {
	p := Problem{Record: record, What: fmt.Sprintf(format, args...)}
	if a.reported[p] {
		return
	}
	a.reported[p] = true
	a.Problems = append(a.Problems, p)
}
