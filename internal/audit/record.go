package audit

import (
	"context"
	"encoding/json"

	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/ledger/merkle"
)

// checkRecord compares a record with the log, and replays its evidence.
func (a *auditor) checkRecord(
	ctx context.Context, s ledger.Snapshot, record string, text []byte,
) error {
	a.Records++
	e := a.known[record]
	if e != nil {
		e.found = true
	}
	r, ok := parse(text)
	if !ok || r.Record != record {
		a.report(record, "is no longer a record with that id")
		return nil
	}
	if e == nil {
		a.report(record, "is among the records, and not in the log: it was inserted")
		return nil
	}
	sum := merkle.NewLeaf(merkle.Record, record, text).SHA256
	switch {
	case r.DetailErased && e.erased == sum:
		a.Erased++
		return nil
	case r.DetailErased || e.committed != sum:
		a.report(record, "was changed since it was committed: call %s, now %s %s",
			r.Call, r.Charge, r.Charge.Currency)
	}
	return a.replay(ctx, s, r, text)
}

func (a *auditor) replay(
	ctx context.Context, s ledger.Snapshot, r metering.Record, text []byte,
) error {
	if r.Evidence.Events == 0 {
		return nil // its evidence was broken when it was written, and it charges nothing
	}
	frames, err := s.Evidence(ctx, r.Call)
	if err != nil {
		return err
	}
	_, out, err := mediation.Replay(frames)
	switch {
	case err != nil:
		a.report(r.Record, "has evidence that can't be replayed: call %s: %v", r.Call, err)
	case r.Version < 1 || r.Version > len(out.Records):
		a.report(r.Record, "is version %d; its evidence gives %d: call %s",
			r.Version, len(out.Records), r.Call)
	case string(out.Records[r.Version-1].JSON()) != string(text):
		got := out.Records[r.Version-1]
		a.report(r.Record, "has %s %s for %d ms of talk, its evidence gives %s %s for %d ms: call %s",
			r.Charge, r.Charge.Currency, r.TalkMs, got.Charge, got.Charge.Currency, got.TalkMs, r.Call)
	default:
		a.Replayed++
	}
	return nil
}

// parse reads a record; what is wrong with it is for the caller to report.
func parse(text []byte) (r metering.Record, ok bool) {
	err := json.Unmarshal(text, &r)
	return r, err == nil
}
