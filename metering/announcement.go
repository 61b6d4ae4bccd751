package metering

// Announcement is what the front desk told the caller before the queue, and what the caller said to it.
type Announcement struct {
	// AnnouncedAt is when the telling of the price ended, by the PBX's clock; zero: no price was told.
	AnnouncedAt Time   `json:"announced_at,omitzero"`
	Tariff      string `json:"tariff,omitzero"` // which price was told
	Free        bool   `json:"free,omitzero"`   // the caller was told that the call is free
	Consent     string `json:"consent,omitzero"`
}

// What the caller said to the price: Announcement's Consent; "" where nobody asked.
const (
	ConsentGiven   = "given"
	ConsentRefused = "refused" // or did not answer
)

// Survey is what the caller answered after the operator had left.
type Survey struct {
	Satisfaction int    `json:"satisfaction,omitzero"` // 1 to 5; 0: no answer
	Solved       string `json:"solved,omitzero"`       // yes, no; "": no answer
}

// Take takes in a key that the caller pressed: satisfaction first, then 1 for solved and 2 for not. It returns whether it was an answer.
func (s *Survey) Take(digit string) bool {
	switch {
	case s.Satisfaction == 0 && len(digit) == 1 && digit >= "1" && digit <= "5":
		s.Satisfaction = int(digit[0] - '0')
	case s.Satisfaction != 0 && s.Solved == "" && digit == "1":
		s.Solved = "yes"
	case s.Satisfaction != 0 && s.Solved == "" && digit == "2":
		s.Solved = "no"
	default:
		return false
	}
	return true
}
