package frontdesk

import (
	"context"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/policy"
)

// What came of a caller at the desk: the dialplan's variable RISPOSTA, and the words for metrics.
const (
	Priced  = "priced"  // the price was told, and agreed to where it must be
	FreeOf  = "free"    // the caller was told that the call is free
	Refused = "refused" // the caller did not agree
	Unsaid  = "unsaid"  // nothing could be told: the call goes on as one that was not announced
	Done    = "done"    // the survey has ended
)

// serve does what the dialplan asks of the desk.
func (g *session) serve(ctx context.Context, service string) (result string) {
	if g.hold(ctx, step) != nil {
		return Unsaid // too late: the dialplan has gone on
	}
	switch service {
	case "announce":
		return g.announce(ctx)
	case "survey":
		return g.survey(ctx)
	}
	g.goOn(ctx, Unsaid)
	return Unsaid
}

func (g *session) announce(ctx context.Context) string {
	call := metering.CallID(g.ch)
	offer, ok := g.desk.backend.Offer(ctx, call)
	if !ok {
		g.goOn(ctx, Unsaid)
		return Unsaid
	}
	result, told := g.tellPrice(ctx, call, offer)
	if err := g.desk.backend.Admit(ctx, call, told); err != nil {
		result = Unsaid // the meter does not know: it will charge nothing that had to be told
	}
	if result == Refused && g.desk.cfg.HangUpRefusers {
		g.say(ctx, sound("refused"))
		rctx, cancel := within(ctx)
		defer cancel()
		_ = g.desk.control.HangUp(rctx, g.ch) // the caller may have done so already
		return Refused
	}
	g.goOn(ctx, result)
	return result
}

// tellPrice tells the caller what the call costs, takes an exemption code, asks for consent, and waits until the meter may start.
func (g *session) tellPrice(ctx context.Context, call metering.CallID, o Offer) (result string, told metering.Announcement) {
	if o.Free {
		return g.tellFree(ctx)
	}
	prompts := price(o.PerMinute, o.Currency)
	if o.Codes {
		prompts = append(prompts, sound("code-offer"))
	}
	ended, ok := g.say(ctx, prompts...)
	if !ok {
		return Unsaid, metering.Announcement{}
	}
	told = metering.Announcement{AnnouncedAt: metering.Time{Time: ended}, Tariff: o.Tariff}
	heard := time.Now() // a little after ended, by another clock
	if o.Consent {
		if _, ok := g.say(ctx, sound("consent")); !ok {
			return Unsaid, metering.Announcement{}
		}
		told.Consent = metering.ConsentRefused
	}
	tries := 0
	for range maxKeys {
		wait := keyTimeout
		if !o.Consent {
			wait = policy.Lead - time.Since(heard) // no need to press anything: the caller goes on when the price may begin to run
		}
		switch k := g.key(ctx, max(0, wait)); {
		case k == "*" && o.Codes && tries < maxCodes:
			tries++
			if g.code(ctx, call) {
				return g.tellFree(ctx)
			}
			if _, ok := g.say(ctx, sound("code-wrong")); !ok {
				return Unsaid, metering.Announcement{}
			}
		case k == "1" && o.Consent:
			told.Consent = metering.ConsentGiven
			g.pause(ctx, policy.Lead-time.Since(heard))
			return Priced, told
		case k == "":
			if o.Consent {
				return Refused, told
			}
			return Priced, told
		}
	}
	if o.Consent {
		return Refused, told
	}
	g.pause(ctx, policy.Lead-time.Since(heard))
	return Priced, told
}

// maxKeys bounds how many keys are listened to that mean nothing.
const maxKeys = 32

// maxCodes is how often a caller may try a code: ten digits can't be guessed in three.
const maxCodes = 3

func (g *session) tellFree(ctx context.Context) (string, metering.Announcement) {
	g.say(ctx, sound("free")) // whether or not it was heard
	return FreeOf, metering.Announcement{Free: true}
}

// code takes a code of digits up to a hash.
func (g *session) code(ctx context.Context, call metering.CallID) bool {
	if _, ok := g.say(ctx, sound("code-enter")); !ok {
		return false
	}
	digits := ""
	for len(digits) < maxCode {
		k := g.key(ctx, codeTimeout)
		if k == "" || k == "#" {
			break
		}
		digits += k
	}
	if g.hold(ctx, step) != nil {
		return false
	}
	return g.desk.backend.Code(ctx, call, digits)
}

const maxCode = 16

// survey asks how it was. The answers are read from the PBX's own events by the meter; the desk only asks, and hears when to go on.
func (g *session) survey(ctx context.Context) string {
	var s metering.Survey
	for _, question := range []string{"survey-satisfaction", "survey-solved"} {
		if _, ok := g.say(ctx, sound(question)); !ok {
			break
		}
		for range maxKeys {
			k := g.key(ctx, keyTimeout)
			if s.Answer(k) || k == "" {
				break
			}
		}
		if s.Satisfaction == 0 {
			break // no answer is an answer
		}
	}
	if s.Satisfaction != 0 {
		g.say(ctx, sound("thanks"))
	}
	g.goOn(ctx, Done)
	return Done
}
