package evidence

import (
	"encoding/json"
	"time"

	"github.com/risposta/gateway/metering"
)

// Exemption is a lookup's answer during the call: never why.
type Exemption struct {
	Type   string          `json:"type"`
	At     metering.Time   `json:"timestamp"` // the latest instant that the call had seen
	Call   metering.CallID `json:"call"`
	Exempt string          `json:"exempt"` // yes, no, unknown
	Ref    string          `json:"ref"`
}

// NewExemption makes the frame.
func NewExemption(call metering.CallID, at time.Time, e metering.Exemption) []byte {
	return encode(Exemption{
		Type: TypeExemption, At: metering.Time{Time: at}, Call: call, Exempt: e.Verdict.String(), Ref: e.Ref,
	})
}

// ReadExemption reads the fact that the frame was made from.
func ReadExemption(frame []byte) (metering.Fact, error) {
	var e Exemption
	if err := decode(frame, &e); err != nil {
		return metering.Fact{}, err
	}
	return metering.Fact{
		Kind: metering.ExemptionAnswered, Call: e.Call, At: e.At.Time,
		Exemption: metering.Exemption{Verdict: metering.ParseVerdict(e.Exempt), Ref: e.Ref},
	}, nil
}

// Announcement is what the front desk announced to the caller, and what the caller answered.
type Announcement struct {
	Type         string                `json:"type"`
	At           metering.Time         `json:"timestamp"` // the latest instant that the call had seen
	Call         metering.CallID       `json:"call"`
	Announcement metering.Announcement `json:"announcement"`
}

// NewAnnouncement makes the frame.
func NewAnnouncement(call metering.CallID, at time.Time, a metering.Announcement) []byte {
	return encode(Announcement{Type: TypeAnnouncement, At: metering.Time{Time: at}, Call: call, Announcement: a})
}

// ReadAnnouncement reads the fact that the frame was made from.
func ReadAnnouncement(frame []byte) (metering.Fact, error) {
	var a Announcement
	if err := decode(frame, &a); err != nil {
		return metering.Fact{}, err
	}
	return metering.Fact{
		Kind: metering.AnnouncementMade, Call: a.Call, At: a.At.Time, Announcement: &a.Announcement,
	}, nil
}

// Resolved stands after the call's end, where a lookup answered later. Its timestamp is this
// machine's and only says when; nothing is computed from it.
type Resolved struct {
	Type   string          `json:"type"`
	At     metering.Time   `json:"timestamp"`
	Call   metering.CallID `json:"call"`
	Exempt string          `json:"exempt"`
	Ref    string          `json:"ref"`
	Why    metering.Reason `json:"why"` // resolved, credited, given_up
}

// NewResolved makes the frame.
func NewResolved(call metering.CallID, at time.Time, e metering.Exemption, why metering.Reason) []byte {
	return encode(Resolved{
		Type: TypeResolved, At: metering.Time{Time: at}, Call: call, Exempt: e.Verdict.String(), Ref: e.Ref, Why: why,
	})
}

// ReadResolved reads the frame.
func ReadResolved(frame []byte) (r Resolved, e metering.Exemption, err error) {
	err = decode(frame, &r)
	return r, metering.Exemption{Verdict: metering.ParseVerdict(r.Exempt), Ref: r.Ref}, err
}

// Reconciled stands after the call's end, where Asterisk's CEL shows what was not seen. It holds a
// second evidence of the same call, made from the CEL.
type Reconciled struct {
	Type   string            `json:"type"`
	At     metering.Time     `json:"timestamp"` // the call's end by the CEL
	Call   metering.CallID   `json:"call"`
	Source string            `json:"source"` // cel
	Frames []json.RawMessage `json:"frames"`
}

// NewReconciled makes the frame.
func NewReconciled(call metering.CallID, endedAt time.Time, frames [][]byte) []byte {
	r := Reconciled{Type: TypeReconciled, At: metering.Time{Time: endedAt}, Call: call, Source: "cel"}
	for _, f := range frames {
		r.Frames = append(r.Frames, f)
	}
	return encode(r)
}

// ReadReconciled reads the second evidence.
func ReadReconciled(frame []byte) (frames [][]byte, err error) {
	var r Reconciled
	if err := decode(frame, &r); err != nil {
		return nil, err
	}
	for _, f := range r.Frames {
		frames = append(frames, f)
	}
	return frames, nil
}
