package audit

import (
	"context"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/ledger/merkle"
)

// disputed is a call whose dispute is in the log.
type disputed struct {
	leaf   merkle.Leaf     // the newest about it
	call   metering.CallID // "" where its record is gone
	erased bool
	found  bool // among the disputes
}

// checkDisputes compares the disputes with the log.
func (a *auditor) checkDisputes(ctx context.Context, s ledger.Snapshot) error {
	all, err := s.Disputes(ctx)
	if err != nil {
		return err
	}
	byCall := map[metering.CallID]*disputed{}
	for _, d := range a.disputes {
		byCall[d.call] = d
	}
	for _, d := range all {
		switch known := byCall[d.Call]; {
		case known == nil:
			a.report("", "the dispute of call %s is not in the log: it was inserted", d.Call)
		case d.Leaf(known.leaf.Record) != known.leaf:
			known.found = true
			a.report(known.leaf.Record, "has a dispute that was changed: call %s", d.Call)
		default:
			known.found = true
		}
	}
	for record, d := range a.disputes {
		switch {
		case d.found, d.erased && d.leaf.Kind == merkle.DisputeClosed:
		case d.erased:
			a.report(record, "lost its detail while its dispute was open")
		default:
			a.report(record, "has a dispute in the log, and none beside it: it was removed")
		}
	}
	return nil
}

// checkRegister compares what is known of the exemption register with the log.
func (a *auditor) checkRegister(ctx context.Context, s ledger.Snapshot) error {
	state, err := s.NotedRegister(ctx)
	if err != nil {
		return err
	}
	noted := ""
	if state != nil {
		noted = merkle.Sum(state)
	}
	if noted != a.register {
		a.report("", "what the ledger knows of the exemption register is not what the log has of it")
	}
	return nil
}
