package reconcile

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/evidence"
)

// overstates reports whether the CEL shows some of the talk of a record as none, if it costs
// something.
func overstates(r metering.Record, byCEL *metering.Call) bool {
	var talk metering.Call
	for _, t := range r.Talk {
		talk.Segments = append(talk.Segments, metering.Segment{
			State: metering.Talking, From: t.From.Time, To: t.To.Time,
		})
	}
	var account []metering.Segment
	for _, s := range byCEL.Segments {
		if s.State == metering.Talking || s.State == metering.Held {
			account = append(account, s)
		}
	}
	return r.MayCharge() && talk.Shorten(account, mediation.Neighbours) > 0
}

// ambiguousTime is why nothing is proved of a call in the hour that comes twice.
const ambiguousTime = "a local time of its rows is ambiguous in the zone: write dateformat of " +
	"cel.conf with %z"

// better corrects the call from the CEL. frames are its evidence so far, version its newest
// record's. Where the CEL proves nothing, the line's status stays.
func (c *comparison) better(
	ctx context.Context, line Line, frames [][]byte, version int, call *metering.Call,
) (Line, error) {
	noProof := func(why string) (Line, error) {
		line.Why = fmt.Sprintf("%v: %s", mediation.ErrNoProof, why)
		return line, nil
	}
	if len(frames) == 0 {
		return noProof("the call's evidence is not in the ledger")
	}
	if c.unclear[call.ID] {
		return noProof(ambiguousTime)
	}
	why, err := c.whyNot(ctx, frames)
	if err != nil {
		return line, fmt.Errorf("reconciling call %s: %w", call.ID, err)
	}
	reconciled := evidence.NewReconciled(call.ID, call.EndedAt, c.frames[call.ID], why != "")
	_, out, err := mediation.Replay(append(frames[:len(frames):len(frames)], reconciled))
	switch {
	case errors.Is(err, mediation.ErrLowersOnly):
		return noProof(why)
	case errors.Is(err, mediation.ErrNoProof):
		line.Why = err.Error()
		return line, nil
	case err != nil:
		return line, fmt.Errorf("reconciling call %s: %w", call.ID, err)
	}
	line.Better = &Better{Frames: [][]byte{reconciled}, Records: out.Records[version:]}
	line.Status = Reconciled
	if millis(line.Better.Newest().TalkMs) < line.Recorded {
		line.Status = Shortened
	}
	if arrival := c.arrivals[call.ID]; c.rules.Encrypt != nil {
		number, _ := c.mediator.ReadCaller(arrival.Endpoint, arrival.Number)
		line.EncryptedCaller = c.rules.Encrypt(number)
	}
	return line, nil
}

// unrecorded is a call that is in the CEL alone. Its first record is that of a call of which
// nothing was seen; the CEL then fills in the rest where it can.
func (c *comparison) unrecorded(
	ctx context.Context, call *metering.Call, byCEL time.Duration,
) (Line, error) {
	line := c.line(call.ID, call.Service, NoRecord, 0, byCEL)
	line.ArrivedAt = call.ArrivedAt
	frames := mediation.New(c.rules).Missed(c.arrivals[call.ID], call.EndedAt)
	filled, err := c.better(ctx, line, frames, 0, call)
	if err != nil {
		return line, err
	}
	if filled.Better != nil {
		filled.Better.Frames = append(frames, filled.Better.Frames...)
		line.Better, line.EncryptedCaller = filled.Better, filled.EncryptedCaller
		return line, nil
	}
	_, out, err := mediation.Replay(frames)
	if err != nil || len(out.Records) != 1 {
		panic(fmt.Sprintf("reconcile: the evidence that mediation made for call %s "+
			"gives no record: %v", call.ID, err))
	}
	line.Why = filled.Why
	line.Better = &Better{Frames: frames, Records: out.Records}
	return line, nil
}
