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
	Texted      = "texted"      // a text for the caller was handed to the dialplan
	NoText      = "no_text"     // there is none: the call is not known, or the language has no texts
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
	case ari.AskText:
		return s.text(ctx)
	}
	s.continueInDialplan(ctx, resultVariable, Unannounced)
	return Unannounced
}

func (s *session) announce(ctx context.Context) string {
	call := metering.CallID(s.ch)
	offer, ok := s.desk.backend.Offer(ctx, call)
	if !ok {
		s.continueInDialplan(ctx, resultVariable, Unannounced)
		return Unannounced
	}
	result, announced := s.announceOffer(ctx, call, offer)
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
	s.continueInDialplan(ctx, resultVariable, result)
	return result
}

// announceOffer announces what the call costs, takes an exemption code, asks for consent, and waits
// until the meter may start.
func (s *session) announceOffer(
	ctx context.Context, call metering.CallID, o Offer,
) (result string, announced metering.Announcement) {
	if o.Free {
		return s.announceFree(ctx, o)
	}
	heard, ok := s.tell(ctx, o)
	if !ok {
		return Unannounced, metering.Announcement{}
	}
	codes, repeats := 0, 0
	for range maxKeys {
		wait := s.limit(keyTimeout)
		if !o.Consent {
			// No key is needed: the caller continues when the price may begin to run.
			wait = s.limit(policy.Lead) - time.Since(heard.at)
		}
		switch k := s.key(ctx, max(0, wait)); {
		case k == repeatKey && repeats < maxRepeats:
			repeats++
			if again, ok := s.tell(ctx, o); ok {
				heard = again
			}
		case k == "*" && o.Codes && codes < maxCodes:
			codes++
			if s.code(ctx, call) {
				return s.announceFree(ctx, o)
			}
			if _, ok := s.play(ctx, sound("code-wrong")); !ok {
				return Unannounced, metering.Announcement{}
			}
		case k == "1" && o.Consent:
			heard.Consent = metering.ConsentGiven
			s.pause(ctx, policy.Lead-time.Since(heard.at))
			return Priced, heard.Announcement
		case k == "":
			if o.Consent {
				return Refused, heard.Announcement
			}
			return Priced, heard.Announcement
		}
	}
	if o.Consent {
		return Refused, heard.Announcement
	}
	s.pause(ctx, policy.Lead-time.Since(heard.at))
	return Priced, heard.Announcement
}

// heard is what a caller has heard, and until when, by the gateway's clock: a little after that of
// the PBX.
type heard struct {
	metering.Announcement
	at time.Time
}

// tell announces the price, the wait and what the keys do. ok is false where the price was not
// heard to its end, or the question for consent was not.
func (s *session) tell(ctx context.Context, o Offer) (h heard, ok bool) {
	prompts := price(o)
	if o.Codes {
		prompts = append(prompts, sound("code-offer"))
	}
	ended, ok := s.play(ctx, prompts...)
	if !ok {
		return heard{}, false
	}
	a := metering.Announcement{AnnouncedAt: metering.Time{Time: ended}, Tariff: o.Tariff}
	h = heard{a, time.Now()}
	s.tellWait(ctx, o, &h.Announcement)
	if o.Consent {
		if _, ok := s.play(ctx, sound("consent")); !ok {
			return heard{}, false
		}
		h.Consent = metering.ConsentRefused
	}
	s.play(ctx, sound("repeat")) // whether it is played changes nothing
	if !o.Consent {
		h.at = time.Now() // time to press a key
	}
	return h, true
}

// tellWait tells how long the wait is expected to be and that it is free, where that is wanted. That
// it is not known is told, too.
func (s *session) tellWait(ctx context.Context, o Offer, a *metering.Announcement) {
	if !o.TellWait {
		return
	}
	minutes := waitMinutes(o.Wait)
	if ended, ok := s.play(ctx, wait(minutes)...); ok {
		a.WaitToldAt, a.WaitSeconds = metering.Time{Time: ended}, 60*minutes
	}
}

const (
	// repeatKey makes the desk say again what it has just said. Within a code it is a digit.
	repeatKey = "9"
	// maxRepeats bounds how often it does.
	maxRepeats = 5
	// repeatTimeout is how long a caller whose call is free has to press the key.
	repeatTimeout = 2 * time.Second
	// maxKeys bounds the keys without a meaning that a caller may press.
	maxKeys = 32
	// maxCodes is how often a caller may try a code: ten digits cannot be guessed in three tries.
	maxCodes = 3
)

func (s *session) announceFree(ctx context.Context, o Offer) (string, metering.Announcement) {
	a := metering.Announcement{Free: true}
	for range 1 + maxRepeats {
		s.play(ctx, sound("free")) // the call is free even if the prompt fails
		s.tellWait(ctx, o, &a)
		if s.key(ctx, s.limit(repeatTimeout)) != repeatKey {
			break
		}
	}
	return FreeOf, a
}

// code takes a code of digits, ended by a hash. A star begins it anew.
func (s *session) code(ctx context.Context, call metering.CallID) bool {
	if _, ok := s.play(ctx, sound("code-enter")); !ok {
		return false
	}
	digits, anew := "", 0
	for len(digits) < maxCode {
		k := s.key(ctx, s.limit(codeTimeout))
		if k == "*" && anew < maxRepeats {
			digits = ""
			anew++
			s.play(ctx, sound("code-enter"))
			continue
		}
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
