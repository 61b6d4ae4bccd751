package metering

// Survey is what the caller answered after the operator had left.
type Survey struct {
	// How satisfied the caller is, from 1 to 5. Left out: no answer.
	Satisfaction int `json:"satisfaction,omitzero"`
	// Whether the matter is solved: "yes" or "no". Left out: no answer.
	Solved string `json:"solved,omitzero"`
}

// The values of [Survey].Solved besides "".
const (
	SolvedYes = "yes"
	SolvedNo  = "no"
)

// Answer adds a key that the caller pressed: satisfaction first, then 1 for solved and 2 for not
// solved. It returns whether the key was an answer.
func (s *Survey) Answer(key string) bool {
	switch {
	case s.Satisfaction == 0 && len(key) == 1 && key >= "1" && key <= "5":
		s.Satisfaction = int(key[0] - '0')
	case s.Satisfaction != 0 && s.Solved == "" && key == "1":
		s.Solved = SolvedYes
	case s.Satisfaction != 0 && s.Solved == "" && key == "2":
		s.Solved = SolvedNo
	default:
		return false
	}
	return true
}
