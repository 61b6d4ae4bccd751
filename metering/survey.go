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

// Question is a question of the survey.
type Question uint8

// The questions.
const (
	NoQuestion        Question = iota
	AskedSatisfaction          // keys 1 to 5
	AskedSolved                // key 1 for yes, 2 for no
)

// Next is the question to ask next. Satisfaction comes first, then whether the matter is solved. With
// solvedFirst (policy.SolvedFirst) it is the other way round, and who says that the matter is not
// solved is asked nothing more.
func (s Survey) Next(solvedFirst bool) Question {
	switch {
	case solvedFirst && s.Solved == "":
		return AskedSolved
	case solvedFirst && s.Solved == SolvedNo:
		return NoQuestion
	case s.Satisfaction == 0:
		return AskedSatisfaction
	case s.Solved == "":
		return AskedSolved
	}
	return NoQuestion
}

// Answer adds a key that the caller pressed to the next question. It returns whether the key was an
// answer.
func (s *Survey) Answer(key string, solvedFirst bool) bool {
	switch s.Next(solvedFirst) {
	case AskedSatisfaction:
		if len(key) != 1 || key < "1" || key > "5" {
			return false
		}
		s.Satisfaction = int(key[0] - '0')
		return true
	case AskedSolved:
		answer := map[string]string{"1": SolvedYes, "2": SolvedNo}[key]
		s.Solved = answer
		return answer != ""
	case NoQuestion:
	}
	return false
}
