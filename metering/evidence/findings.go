package evidence

import "github.com/risposta/gateway/metering"

// Findings are what the PBX answered when it was asked about legs of the call, or what the way in
// which a channel ended shows: things that no event says.
type Findings struct {
	At          metering.Time `json:"timestamp"`
	Node        string        `json:"asterisk_id,omitzero"`
	Legs        []Finding     `json:"legs,omitzero"`
	Conferences []Conference  `json:"conferences,omitzero"`
}

func (f Findings) at() metering.Time { return f.At }

// Encode writes the frame.
func (f Findings) Encode() []byte { return encode(TypeFindings, f) }

// ReadFindings reads the frame.
func ReadFindings(frame []byte) (Findings, error) { return decode[Findings](TypeFindings, frame) }

// Finding is what was found about one leg. Talk that passed it after Since was not talk.
type Finding struct {
	Channel string        `json:"channel"`
	Kind    string        `json:"found"`
	Since   metering.Time `json:"since,omitzero"`
}

// Conference is who hears and speaks in a conference.
type Conference struct {
	Bridge string   `json:"bridge"`
	Active []string `json:"active"`
}
