package frontdesk

import (
	"context"

	"github.com/risposta/gateway/metering"
)

// survey asks the caller two questions, in the order of the policy. The meter reads the answers from
// the PBX's own events; the desk only needs to know when to continue.
func (s *session) survey(ctx context.Context) string {
	solvedFirst := s.desk.backend.SolvedFirst(metering.CallID(s.ch))
	var answers metering.Survey
	for {
		question := answers.Next(solvedFirst)
		if question == metering.NoQuestion || !s.ask(ctx, question, &answers, solvedFirst) {
			break
		}
	}
	if answers != (metering.Survey{}) {
		s.play(ctx, sound("thanks"))
	}
	s.continueInDialplan(ctx, resultVariable, Done)
	return Done
}

// ask asks one question. It returns false where the caller gives no answer.
func (s *session) ask(
	ctx context.Context, question metering.Question, answers *metering.Survey, solvedFirst bool,
) bool {
	prompts := []string{sound("survey-satisfaction")}
	if question == metering.AskedSolved {
		prompts[0] = sound("survey-solved")
	}
	if *answers == (metering.Survey{}) { // the key is told with the first question
		prompts = append(prompts, sound("repeat"))
	}
	for range 1 + maxRepeats {
		if _, ok := s.play(ctx, prompts...); !ok {
			return false
		}
		answered, again := s.answer(ctx, answers, solvedFirst)
		if !again {
			return answered
		}
	}
	return false
}

// answer waits for the key of an answer, or for the one that repeats the question.
func (s *session) answer(
	ctx context.Context, answers *metering.Survey, solvedFirst bool,
) (answered, again bool) {
	for range maxKeys {
		switch k := s.key(ctx, s.limit(keyTimeout)); {
		case answers.Answer(k, solvedFirst):
			return true, false
		case k == "" || k == repeatKey:
			return false, k == repeatKey
		}
	}
	return false, false
}
