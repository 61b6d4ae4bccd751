package frontdesk

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/risposta/gateway/metering"
)

// The variables of the dialplan that the desk sets.
const (
	resultVariable = "RISPOSTA"
	textVariable   = "RISPOSTA_TEXT"
)

// textTimeout is how long a caller waits for a text at most. What costs the call is asked again for
// the announcement.
const textTimeout = 200 * time.Millisecond

// text hands the dialplan what the caller will hear, as a text for SendText(), and lets the caller
// go on at once: only the channel itself can send a text in its dialog, and ARI has no request for
// it. Where there is no text the variable stays empty.
func (s *session) text(ctx context.Context) string {
	octx, cancel := context.WithTimeout(ctx, textTimeout)
	defer cancel()
	offer, ok := s.desk.backend.Offer(octx, metering.CallID(s.ch))
	text := ""
	if ok && octx.Err() == nil {
		text = texts[s.language].of(offer)
	}
	s.continueInDialplan(ctx, textVariable, text)
	if text == "" {
		return NoText
	}
	return Texted
}

// wording is how a language puts an offer into a text.
type wording struct {
	free, costs, code, consent, repeat string
	under, about, unknown              string // the expected wait
}

// texts are the wordings of the languages whose prompts are delivered.
var texts = map[string]wording{
	"en": {
		free: "This call is free of charge.",
		costs: "This call costs {price} a minute, from the moment an operator answers. " +
			"Waiting is free.",
		code:    "If you have an exemption code, press *.",
		consent: "To accept, press 1.",
		repeat:  "To hear this again, press 9.",
		under:   "The expected wait is less than one minute.",
		about:   "The expected wait is about {minutes} minutes.",
		unknown: "The expected wait is not known.",
	},
	"it": {
		free: "Questa chiamata è gratuita.",
		costs: "Questa chiamata costa {price} al minuto, a partire dalla risposta dell'operatore. " +
			"L'attesa è gratuita.",
		code:    "Se ha un codice di esenzione, prema *.",
		consent: "Per accettare, prema 1.",
		repeat:  "Per riascoltare, prema 9.",
		under:   "L'attesa prevista è inferiore a un minuto.",
		about:   "L'attesa prevista è di circa {minutes} minuti.",
		unknown: "La durata dell'attesa non è nota.",
	},
}

// of is the text of an offer; "" in a language without wording.
func (w wording) of(o Offer) string {
	if w == (wording{}) {
		return ""
	}
	sentences := []string{w.free}
	if !o.Free {
		sentences = []string{strings.ReplaceAll(w.costs, "{price}", o.PerMinute+" "+o.Currency)}
	}
	if minutes := waitMinutes(o.Wait); o.TellWait {
		told := strings.ReplaceAll(w.about, "{minutes}", strconv.FormatInt(minutes, 10))
		switch minutes {
		case 0:
			told = w.unknown
		case 1:
			told = w.under
		}
		sentences = append(sentences, told)
	}
	if o.Codes && !o.Free {
		sentences = append(sentences, w.code)
	}
	if o.Consent && !o.Free {
		sentences = append(sentences, w.consent)
	}
	return strings.Join(append(sentences, w.repeat), " ")
}
