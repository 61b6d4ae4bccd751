package audit

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"

	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
	"github.com/risposta/gateway/metering/ledger/merkle"
)

// entered is what the log has of one record.
type entered struct {
	committed  string // SHA-256 of its JSON as it was committed; "" for none
	erasedForm string // SHA-256 of what an erasure may leave of it
	erased     string // SHA-256 of its JSON as an erasure left it; "" for none
}

// checkRecord compares a record with the log and with its columns, and replays its evidence.
func (a *auditor) checkRecord(ctx context.Context, s ledger.Snapshot, row ledger.Row) error {
	a.Records++
	e, err := a.entered(ctx, s, row.Record)
	if err != nil {
		return err
	}
	if e.committed != "" {
		a.found++
	}
	var r metering.Record
	if err := json.Unmarshal(row.JSON, &r); err != nil || r.Record != row.Record {
		a.report(row.Record, "is no longer a record with that id")
		return nil //nolint:nilerr // it is reported
	}
	if d := a.disputes[row.Record]; d != nil {
		d.call, d.erased = r.Call, r.DetailErased
	}
	if e.committed == "" {
		a.report(row.Record, "is among the records, and not in the log: it was inserted")
		return nil
	}
	a.checkColumns(row, r)
	if a.options.Node != "" && r.Node != a.options.Node {
		a.report(r.Record, "is in the log of %s, and is a record of %s: it was moved or copied there",
			a.options.Node, r.Node)
	}
	sum := merkle.Sum(row.JSON)
	if r.DetailErased {
		a.checkErased(r, e, sum)
		return nil
	}
	if e.committed != sum {
		a.report(r.Record, "was changed since it was committed: call %s, now %s %s",
			r.Call, r.Charge, r.Charge.Currency)
	}
	if r.ArrivedAt.Before(a.options.Since) {
		return nil
	}
	return a.replay(ctx, s, r, row.JSON)
}

// entered reads what the log has of a record.
func (a *auditor) entered(
	ctx context.Context, s ledger.Snapshot, record string,
) (e entered, err error) {
	err = s.LeavesOf(ctx, record, func(text []byte) error {
		leaf, _ := merkle.ParseLeaf(text) // readLog has reported one that cannot be read
		switch {
		case leaf.Kind == merkle.Record && e.committed != "":
			a.report(record, "was entered into the log twice")
		case leaf.Kind == merkle.Record:
			e.committed, e.erasedForm = leaf.SHA256, leaf.Erased
		case leaf.Kind == merkle.Erasure:
			e.erased = leaf.SHA256
		}
		return nil
	})
	return e, err
}

// checkErased compares an erased record with what its leaf allowed an erasure to leave.
func (a *auditor) checkErased(r metering.Record, e entered, sum string) {
	form := r
	form.Call = ""
	switch {
	case e.erased == "":
		a.report(r.Record, "says that its detail was erased, and no erasure is in the log")
	case e.erased != sum:
		a.report(r.Record, "was changed since its detail was erased: now %s %s",
			r.Charge, r.Charge.Currency)
	case e.erasedForm != merkle.Sum(form.JSON()):
		a.report(r.Record, "was changed when its detail was erased: now %s %s",
			r.Charge, r.Charge.Currency)
	default:
		a.Erased++
	}
}

// checkColumns compares a record with what the ledger selects it by.
func (a *auditor) checkColumns(row ledger.Row, r metering.Record) {
	for _, c := range []struct{ column, has, want string }{
		{"call", string(row.Call), string(r.Call)},
		{"version", strconv.Itoa(row.Version), strconv.Itoa(r.Version)},
		{"service", row.Service, r.Service},
		{"arrived_at", metering.Time{Time: row.ArrivedAt}.String(), r.ArrivedAt.String()},
		{"erased_at", strconv.FormatBool(row.Erased), strconv.FormatBool(r.DetailErased)},
	} {
		if c.has != c.want {
			a.report(r.Record, "has the column %s of another record (%q, not %q): "+
				"queries would miss it, or take it for another version", c.column, c.has, c.want)
		}
	}
}

func (a *auditor) replay(
	ctx context.Context, s ledger.Snapshot, r metering.Record, text []byte,
) error {
	if r.Evidence.Events == 0 { // its evidence was broken when it was written
		switch {
		case r.MayCharge():
			a.report(r.Record, "has no evidence, and charges %s %s: call %s",
				r.Charge, r.Charge.Currency, r.Call)
		case r.Version != metering.RecordVersion: // later ones are made from evidence alone
			a.report(r.Record, "is version %d, and has no evidence: call %s", r.Version, r.Call)
		}
		return nil
	}
	frames, err := s.Evidence(ctx, r.Call)
	if err != nil && !errors.Is(err, ledger.ErrUnreadable) {
		return err
	}
	var out *mediation.Output
	if err == nil {
		_, out, err = mediation.Replay(frames)
	}
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
