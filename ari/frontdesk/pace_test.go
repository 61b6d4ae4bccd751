package frontdesk_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/risposta/gateway/ari/frontdesk"
)

// At the slow pace a slower recording is played where there is one, each sentence is followed by a
// pause, and a caller has twice the time to press a key.
func TestSlowPace(t *testing.T) {
	for name, c := range map[string]struct {
		slow   bool
		keyAt  time.Duration // after the last prompt
		result string
	}{
		"normal, in time": {false, 7 * time.Second, "priced"},
		"normal, late":    {false, 9 * time.Second, "refused"},
		"slow, in time":   {true, 15 * time.Second, "priced"},
		"slow, late":      {true, 18 * time.Second, "refused"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPBXFake(priced(true))
				p.slow = map[string]bool{"price": true, "consent": true}
				go p.pressAfter("repeat", c.keyAt, "1")
				began := time.Now()
				p.visit(t, frontdesk.Config{Language: "it", Slow: c.slow}, "announce")
				if p.result != c.result {
					t.Errorf("the caller leaves with %s, want %s", p.result, c.result)
				}
				played := strings.Join(p.played, " ")
				want := announcement + " consent repeat"
				if c.slow {
					want = "slow/" + strings.Replace(want, "consent", "slow/consent", 1)
				}
				if played != want {
					t.Errorf("played %q, want %q", played, want)
				}
				if at := p.toldAt.Sub(began); c.slow != (at >= 11*time.Second) {
					t.Errorf("the price, the question and the key took %s", at)
				}
			})
		})
	}
}

// The caller who has come for a text is back for the announcement before the session of the text has
// ended.
func TestACallerComesBackAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPBXFake(priced(false))
		p.comesBack, p.again = true, []string{"announce", "it", "FAILURE"}
		p.visit(t, frontdesk.Config{Language: "it"}, "text", "it")
		if p.result != "priced" || len(p.texted) != 1 || p.set["RISPOSTA_TEXT"] == "" {
			t.Errorf("the caller leaves with %s, texts %v, %v", p.result, p.texted, p.set)
		}
	})
}

// A caller who comes for a text goes on at once.
func TestTextIsHandedToTheDialplan(t *testing.T) {
	offer := withCodes()
	for name, c := range map[string]struct {
		offer          frontdesk.Offer
		language, text string
		unknown, slow  bool
	}{
		"Italian": {offer, "it", "Questa chiamata costa 1.205 EUR al minuto, a partire dalla risposta " +
			"dell'operatore. L'attesa è gratuita. Se ha un codice di esenzione, prema *. " +
			"Per accettare, prema 1. Per riascoltare, prema 9.", false, false},
		"English": {waiting(priced(false), 61), "en", "This call costs 1.205 EUR a minute, from the " +
			"moment an operator answers. Waiting is free. The expected wait is about 2 minutes. " +
			"To hear this again, press 9.", false, false},
		"free": {waiting(frontdesk.Offer{Free: true}, 0), "en",
			"This call is free of charge. The expected wait is not known. To hear this again, press 9.",
			false, false},
		"no such language": {offer, "fr", "", false, false},
		"no such call":     {offer, "it", "", true, false},
		"a slow lookup":    {offer, "it", "", false, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPBXFake(c.offer)
				p.unknown, p.slowly = c.unknown, c.slow
				p.visit(t, frontdesk.Config{Language: "it"}, "text", c.language)
				result := map[bool]string{true: "texted", false: "no_text"}[c.text != ""]
				if p.set["RISPOSTA_TEXT"] != c.text || p.left != "continue" || p.result != result ||
					len(p.played)+len(p.announced) != 0 {
					t.Errorf("%q, left by %s as %s, played %v; want %q", p.set["RISPOSTA_TEXT"], p.left,
						p.result, p.played, c.text)
				}
				if _, set := p.set["RISPOSTA"]; set {
					t.Error("a text sets the result of an announcement")
				}
			})
		})
	}
}

func TestWhatBecameOfATextIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPBXFake(priced(false))
		p.visit(t, frontdesk.Config{}, "announce", "it", "SUCCESS")
		if len(p.texted) != 1 || p.texted[0] != "SUCCESS" {
			t.Errorf("counted %v", p.texted)
		}
	})
}
