package evidence

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/risposta/gateway/metering"
)

// Resolved stands after the end of a call that a lookup answered for later. Its timestamp is the
// gateway's own; nothing is computed from it.
type Resolved struct {
	At     metering.Time   `json:"timestamp"`
	Call   metering.CallID `json:"call"`
	Exempt string          `json:"exempt"` // yes, no, unknown
	Ref    string          `json:"ref"`
	Why    metering.Reason `json:"why"` // resolved, credited, given_up
}

func (r Resolved) at() metering.Time { return r.At }

// NewResolved makes the frame.
func NewResolved(
	call metering.CallID, at time.Time, e metering.Exemption, why metering.Reason,
) []byte {
	return encode(TypeResolved, Resolved{
		At: metering.Time{Time: at}, Call: call, Exempt: e.Verdict.String(), Ref: e.Ref, Why: why,
	})
}

// ReadResolved reads the frame, and the answer in it.
func ReadResolved(frame []byte) (Resolved, metering.Exemption, error) {
	r, err := decode[Resolved](TypeResolved, frame)
	return r, metering.Exemption{Verdict: metering.ParseVerdict(r.Exempt), Ref: r.Ref}, err
}

// Reconciled stands after the end of a call of which Asterisk's CEL shows what was not seen. It
// holds a second evidence of the same call, made from the CEL.
type Reconciled struct {
	At     metering.Time    `json:"timestamp"` // the end of the call by the CEL
	Call   metering.CallID  `json:"call"`
	Source string           `json:"source"` // cel
	Frames []jsontext.Value `json:"frames"` // the second evidence, which starts with its own Call
	// LowersOnly: nothing shows that the unseen time may be charged, so it stays as it is.
	LowersOnly bool `json:"lowers_only,omitzero"`
}

func (r Reconciled) at() metering.Time { return r.At }

// SourceCEL is the one Source of Reconciled frames.
const SourceCEL = "cel"

// NewReconciled makes the frame. frames are the second evidence.
func NewReconciled(
	call metering.CallID, endedAt time.Time, frames [][]byte, lowersOnly bool,
) []byte {
	r := Reconciled{
		At: metering.Time{Time: endedAt}, Call: call, Source: SourceCEL, LowersOnly: lowersOnly,
	}
	for _, f := range frames {
		r.Frames = append(r.Frames, f)
	}
	return encode(TypeReconciled, r)
}

// ReadReconciled reads the frame, and the second evidence in it.
func ReadReconciled(frame []byte) (r Reconciled, frames [][]byte, err error) {
	r, err = decode[Reconciled](TypeReconciled, frame)
	for _, f := range r.Frames {
		frames = append(frames, f)
	}
	return r, frames, err
}
