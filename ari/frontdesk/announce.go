package frontdesk

import (
	"context"
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/policy"
)

// The results of a session: values of the dialplan's variable RISPOSTA, and labels of metrics.
const (
	Priced      = "priced"      // the price was announced, and agreed to where it must be
	FreeOf      = "free"        // it was announced that the call is free
	Refused     = "refused"     // the caller did not agree
	Unannounced = "unannounced" // no announcement could be played in full
	Done        = "done"        // the survey has ended
)

// serve does what the dialplan asks of the desk.
func (s *session) serve(ctx context.Context, service string) (result string) {
	if s.extendTimeout(ctx, extension) != nil {
		return Unannounced // too late: the dialplan has gone on
	}
	switch service {
	case ari.AskAnnouncement:
		return s.announce(ctx)
	case ari.AskSurvey:
		return s.survey(ctx)
	}
	s.continueInDialplan(ctx, Unannounced)
	return Unannounced
}

func (s *session) announce(ctx context.Context) string {
	call := metering.CallID(s.ch)
	offer, ok := s.desk.backend.Offer(ctx, call)
	if !ok {
		s.continueInDialplan(ctx, Unannounced)
		return Unannounced
	}
	result, announced := s.announcePrice(ctx, call, offer)
	if err := s.desk.backend.Announced(ctx, call, announced); err != nil {
		// The meter does not know of it, and charges nothing that had to be announced.
		result = Unannounced
	}
	if result == Refused && s.cfg.HangUpRefusers && !offer.Untold {
		s.play(ctx, sound("refused"))
		rctx, cancel := requestContext(ctx)
		defer cancel()
		_ = s.desk.control.HangUp(rctx, s.ch) // the caller may have done so already
		return Refused
	}
	s.continueInDialplan(ctx, result)
	return result
}

// announcePrice announces what the call costs, takes an exemption code, asks for consent, and waits
// until the meter may start.
func (s *session) announcePrice(
	ctx context.Context, call metering.CallID, o Offer,
) (result string, announced metering.Announcement) {
	if o.Free {
		return s.announceFree(ctx)
	}
	prompts := price(o)
	if o.Codes {
		prompts = append(prompts, sound("code-offer"))
	}
	ended, ok := s.play(ctx, prompts...)
	if !ok {
		return Unannounced, metering.Announcement{}
	}
	announced = metering.Announcement{AnnouncedAt: metering.Time{Time: ended}, Tariff: o.Tariff}
	heardAt := time.Now() // a little after ended, by the gateway's clock
	if o.Consent {
		if _, ok := s.play(ctx, sound("consent")); !ok {
			return Unannounced, metering.Announcement{}
		}
		announced.Consent = metering.ConsentRefused
	}
	codes := 0
	for range maxKeys {
		wait := keyTimeout
		if !o.Consent {
			// No key is needed: the caller continues when the price may begin to run.
			wait = policy.Lead - time.Since(heardAt)
		}
		switch k := s.key(ctx, max(0, wait)); {
		case k == "*" && o.Codes && codes < maxCodes:
			codes++
			if s.code(ctx, call) {
				return s.announceFree(ctx)
			}
			if _, ok := s.play(ctx, sound("code-wrong")); !ok {
				return Unannounced, metering.Announcement{}
			}
		case k == "1" && o.Consent:
			announced.Consent = metering.ConsentGiven
			s.pause(ctx, policy.Lead-time.Since(heardAt))
			return Priced, announced
		case k == "":
			if o.Consent {
				return Refused, announced
			}
			return Priced, announced
		}
	}
	if o.Consent {
		return Refused, announced
	}
	s.pause(ctx, policy.Lead-time.Since(heardAt))
	return Priced, announced
}

// maxKeys bounds the keys without a meaning that a caller may press.
const maxKeys = 32

// maxCodes is how often a caller may try a code: ten digits cannot be guessed in three tries.
const maxCodes = 3

func (s *session) announceFree(ctx context.Context) (string, metering.Announcement) {
	s.play(ctx, sound("free")) // the call is free even if the prompt fails
	return FreeOf, metering.Announcement{Free: true}
}

// code takes a code of digits, ended by a hash.
func (s *session) code(ctx context.Context, call metering.CallID) bool {
	if _, ok := s.play(ctx, sound("code-enter")); !ok {
		return false
	}
	digits := ""
	for len(digits) < maxCode {
		k := s.key(ctx, codeTimeout)
		if k == "" || k == "#" {
			break
		}
		digits += k
	}
	if s.extendTimeout(ctx, extension) != nil {
		return false
	}
	return s.desk.backend.CheckCode(ctx, call, digits)
}

const maxCode = 16

// survey asks the caller two questions. The meter reads the answers from the PBX's own events; the
// desk only needs to know when to continue.
func (s *session) survey(ctx context.Context) string {
	var answers metering.Survey
	for _, question := range []string{"survey-satisfaction", "survey-solved"} {
		if _, ok := s.play(ctx, sound(question)); !ok {
			break
		}
		for range maxKeys {
			k := s.key(ctx, keyTimeout)
			if answers.Answer(k, false) || k == "" {
				break
			}
		}
		if answers.Satisfaction == 0 {
			break // the caller does not want to answer
		}
	}
	if answers.Satisfaction != 0 {
		s.play(ctx, sound("thanks"))
	}
	s.continueInDialplan(ctx, Done)
	return Done
}
