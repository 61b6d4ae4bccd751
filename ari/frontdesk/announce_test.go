package frontdesk_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/frontdesk"
	"github.com/risposta/gateway/metering"
)

func priced(consent bool) frontdesk.Offer {
	return frontdesk.Offer{
		Tariff: "standard@1", PerMinute: "1.205", Currency: "EUR", MinorDigits: 2, Consent: consent,
	}
}

func withCodes() frontdesk.Offer {
	o := priced(true)
	o.Codes = true
	return o
}

func untold() frontdesk.Offer {
	o := priced(true)
	o.Untold = true
	return o
}

const announcement = "price eur-one and number:20 point digits:5 eur-cents per-minute"

var (
	pricedOnly = metering.Announcement{Tariff: "standard@1"}
	agreed     = metering.Announcement{Tariff: "standard@1", Consent: "given"}
	refused    = metering.Announcement{Tariff: "standard@1", Consent: "refused"}
	free       = metering.Announcement{Free: true}
)

// visits are what callers may do at the desk, and what comes of it.
var visits = map[string]struct {
	offer     frontdesk.Offer
	keys      map[string]string // after each prompt
	set       func(*pbxFake)
	hangUp    bool // on refusers
	played    string
	result    string
	left      string // "": continue
	announced metering.Announcement
}{
	"no consent needed": {
		offer: priced(false), played: announcement, result: "priced", announced: pricedOnly,
	},
	"agrees": {
		offer: priced(true), keys: map[string]string{"consent": "1"},
		played: announcement + " consent", result: "priced", announced: agreed,
	},
	"presses other keys first": {
		offer: priced(true), keys: map[string]string{"consent": "97*1"},
		played: announcement + " consent", result: "priced", announced: agreed,
	},
	"refuses, and continues free": {
		offer: priced(true), played: announcement + " consent", result: "refused",
		announced: refused,
	},
	"refuses, and is hung up on": {
		offer: priced(true), hangUp: true, played: announcement + " consent refused",
		result: "refused", left: "hangup", announced: refused,
	},
	"is exempt, is not told, and does not agree": {
		offer: untold(), hangUp: true, played: announcement + " consent", result: "refused",
		announced: refused,
	},
	"is exempt": {
		offer: frontdesk.Offer{Free: true}, played: "free", result: "free", announced: free,
	},
	"has a code": {
		offer:  withCodes(),
		keys:   map[string]string{"code-offer": "*", "code-enter": "1234567890#"},
		set:    func(p *pbxFake) { p.codes["1234567890"] = true },
		played: announcement + " code-offer consent code-enter free", result: "free",
		announced: free,
	},
	"has a wrong code, and agrees": {
		offer:  withCodes(),
		keys:   map[string]string{"consent": "*", "code-enter": "1#", "code-wrong": "1"},
		played: announcement + " code-offer consent code-enter code-wrong", result: "priced",
		announced: agreed,
	},
	"guesses codes": {
		offer: withCodes(),
		keys:  map[string]string{"consent": "*", "code-enter": "1#", "code-wrong": "*"},
		played: announcement + " code-offer consent" +
			strings.Repeat(" code-enter code-wrong", 3),
		result: "refused", announced: refused,
	},
	"a prompt is missing": {
		offer: priced(false), set: func(p *pbxFake) { p.fails = "eur-cents" },
		played: "price eur-one and number:20 point digits:5", result: "unannounced",
	},
	"the call is unknown": {
		offer: priced(false), set: func(p *pbxFake) { p.unknown = true }, result: "unannounced",
	},
	"the meter is busy": {
		offer: priced(false), set: func(p *pbxFake) { p.busy = true }, played: announcement,
		result: "unannounced",
	},
	"the gateway is late": {
		offer: priced(false), set: func(p *pbxFake) { p.deadline = time.Now() },
		result: "unannounced", left: "timeout",
	},
}

func TestAnnouncement(t *testing.T) {
	for name, c := range visits {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPBXFake(c.offer)
				if c.keys != nil {
					p.keys = c.keys
				}
				if c.set != nil {
					c.set(p)
				}
				p.visit(t, frontdesk.Config{Language: "it", HangUpRefusers: c.hangUp}, "announce")
				left := c.left
				if left == "" {
					left = "continue"
				}
				got := strings.Join(p.played, " ")
				if got != c.played || p.result != c.result || p.left != left {
					t.Errorf("played %q, %s, left by %s\nwant %q, %s, %s",
						got, p.result, p.left, c.played, c.result, left)
				}
				p.checkAnnounced(t, c.announced)
				if p.left == "continue" && (p.remaining < 2*time.Second || p.remaining > 3*time.Second) {
					t.Errorf("the timeout has %s left as the caller continues, want 2 to 3 s", p.remaining)
				}
				if p.left == "continue" && p.set["RISPOSTA"] != c.result {
					t.Errorf("RISPOSTA is %q, want %q", p.set["RISPOSTA"], c.result)
				}
			})
		})
	}
}

// checkAnnounced compares what reached the meter, but for the instant.
func (p *pbxFake) checkAnnounced(t *testing.T, want metering.Announcement) {
	t.Helper()
	var got metering.Announcement
	if len(p.announced) > 0 {
		got = p.announced[len(p.announced)-1]
	}
	timed := !got.AnnouncedAt.IsZero()
	got.AnnouncedAt = metering.Time{}
	if got != want || timed != (want.Tariff != "") {
		t.Errorf("announced %+v (with an instant: %v), want %+v", got, timed, want)
	}
}

// However quickly the caller agrees, the price begins to run 3 s after its announcement at the
// earliest.
func TestCallersContinueThreeSecondsAfterThePrice(t *testing.T) {
	for _, consent := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			p := newPBXFake(priced(consent))
			p.keys["consent"] = "1"
			var continued time.Time
			go func() {
				<-p.done
				continued = time.Now()
			}()
			p.visit(t, frontdesk.Config{Language: "it"}, "announce")
			lead := continued.Sub(p.announced[0].AnnouncedAt.Time)
			if lead < 3*time.Second || lead > 4*time.Second {
				t.Errorf("with consent %v the caller continues %s after the price", consent, lead)
			}
		})
	}
}

// The caller hangs up, or the dialplan takes over, at any moment: the desk notices and does nothing
// more.
func TestCallersMayLeaveAtAnyMoment(t *testing.T) {
	for after := 100 * time.Millisecond; after < 20*time.Second; after += 700 * time.Millisecond {
		synctest.Test(t, func(t *testing.T) {
			p := newPBXFake(priced(true))
			go func() {
				time.Sleep(after)
				p.mu.Lock()
				if p.left == "" {
					p.left = "hung up"
				}
				p.mu.Unlock()
				p.desk.Deliver(ari.Event{
					Kind: ari.StasisEnd, Channel: ari.Channel{ID: channel},
				})
			}()
			p.visit(t, frontdesk.Config{Language: "it"}, "announce")
			if p.left != "hung up" && p.left != "continue" {
				t.Errorf("after %s: left by %s", after, p.left)
			}
			for _, a := range p.announced {
				if a.Consent == metering.ConsentGiven {
					t.Errorf("after %s: a caller who pressed nothing has agreed", after)
				}
			}
		})
	}
}
