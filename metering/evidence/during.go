package evidence

import (
	"fmt"
	"time"

	"github.com/risposta/gateway/metering"
)

// Exemption is the answer of a lookup during the call: whether the caller is exempt, never why.
type Exemption struct {
	At     metering.Time   `json:"timestamp"` // the latest instant that the call had named
	Call   metering.CallID `json:"call"`
	Exempt string          `json:"exempt"` // yes, no, unknown
	Ref    string          `json:"ref"`    // the registry's own reference; "" for none
	// Who vouches for the caller's number; whether it counted for nothing because nobody does.
	Attestation metering.Attestation `json:"attestation,omitzero"`
	Untrusted   bool                 `json:"untrusted,omitzero"`
}

func (e Exemption) at() metering.Time { return e.At }

// NewExemption makes the frame.
func NewExemption(call metering.CallID, at time.Time, e metering.Exemption) []byte {
	return encode(TypeExemption, Exemption{
		At: metering.Time{Time: at}, Call: call, Exempt: e.Verdict.String(), Ref: e.Ref,
		Attestation: e.Attestation, Untrusted: e.Untrusted,
	})
}

// ReadExemption reads the fact that the frame was made from.
func ReadExemption(frame []byte) (metering.Fact, error) {
	e, err := decode[Exemption](TypeExemption, frame)
	if err != nil {
		return metering.Fact{}, err
	}
	attestation, ok := metering.ParseAttestation(string(e.Attestation))
	if !ok {
		return metering.Fact{}, fmt.Errorf("reading a %s frame: attestation: %q is none that version %d "+
			"has", TypeExemption, e.Attestation, Version)
	}
	return metering.Fact{
		Kind: metering.ExemptionAnswered, Call: e.Call, At: e.At.Time,
		Exemption: metering.Exemption{
			Verdict: metering.ParseVerdict(e.Exempt), Ref: e.Ref,
			Attestation: attestation, Untrusted: e.Untrusted,
		},
	}, nil
}

// Caller is the caller's number, as a pseudonym, where it came after the call.
type Caller struct {
	At     metering.Time   `json:"timestamp"`
	Call   metering.CallID `json:"call"`
	Caller string          `json:"caller"`
	// The pseudonyms of the other numbers that it may mean; whether no numbering plan has it.
	CallerAlso   []string `json:"caller_also,omitzero"`
	CallerUnread bool     `json:"caller_unread,omitzero"`
}

func (c Caller) at() metering.Time { return c.At }

// NewCaller makes the frame.
func NewCaller(f metering.Fact) []byte {
	return encode(TypeCaller, Caller{
		At: metering.Time{Time: f.At}, Call: f.Call, Caller: f.Caller,
		CallerAlso: f.Origin.CallerAlso, CallerUnread: f.Origin.CallerUnread,
	})
}

// ReadCaller reads the fact that the frame was made from.
func ReadCaller(frame []byte) (metering.Fact, error) {
	c, err := decode[Caller](TypeCaller, frame)
	return metering.Fact{
		Kind: metering.CallerIdentified, Call: c.Call, At: c.At.Time, Caller: c.Caller,
		Origin: metering.Origin{CallerAlso: c.CallerAlso, CallerUnread: c.CallerUnread},
	}, err
}

// Announcement is what the front desk announced to the caller, and what the caller answered.
type Announcement struct {
	At           metering.Time         `json:"timestamp"` // the latest instant that the call had named
	Call         metering.CallID       `json:"call"`
	Announcement metering.Announcement `json:"announcement"`
}

func (a Announcement) at() metering.Time { return a.At }

// NewAnnouncement makes the frame.
func NewAnnouncement(call metering.CallID, at time.Time, a metering.Announcement) []byte {
	return encode(TypeAnnouncement, Announcement{
		At: metering.Time{Time: at}, Call: call, Announcement: a,
	})
}

// ReadAnnouncement reads the fact that the frame was made from.
func ReadAnnouncement(frame []byte) (metering.Fact, error) {
	a, err := decode[Announcement](TypeAnnouncement, frame)
	if err != nil {
		return metering.Fact{}, err
	}
	return metering.Fact{
		Kind: metering.AnnouncementMade, Call: a.Call, At: a.At.Time, Announcement: &a.Announcement,
	}, nil
}
