package frontdesk_test

import (
	"maps"
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

// waiting is an offer with an expected wait to tell, in seconds; 0: not known.
func waiting(o frontdesk.Offer, seconds int) frontdesk.Offer {
	o.TellWait, o.Wait = true, time.Duration(seconds)*time.Second
	return o
}

var (
	pricedOnly = metering.Announcement{Tariff: "standard@1"}
	agreed     = metering.Announcement{Tariff: "standard@1", Consent: "given"}
	refused    = metering.Announcement{Tariff: "standard@1", Consent: "refused"}
	free       = metering.Announcement{Free: true}
)

// waitTold is an announcement with the expected wait; the instant stands for any.
func waitTold(a metering.Announcement, seconds int64) metering.Announcement {
	a.WaitToldAt, a.WaitSeconds = metering.Time{Time: time.Unix(1, 0)}, seconds
	return a
}

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
		offer: priced(false), played: announcement + " repeat", result: "priced",
		announced: pricedOnly,
	},
	"agrees": {
		offer: priced(true), keys: map[string]string{"consent": "1"},
		played: announcement + " consent repeat", result: "priced", announced: agreed,
	},
	"presses other keys first": {
		offer: priced(true), keys: map[string]string{"consent": "87*1"},
		played: announcement + " consent repeat", result: "priced", announced: agreed,
	},
	"refuses, and continues free": {
		offer: priced(true), played: announcement + " consent repeat", result: "refused",
		announced: refused,
	},
	"refuses, and is hung up on": {
		offer: priced(true), hangUp: true, played: announcement + " consent repeat refused",
		result: "refused", left: "hangup", announced: refused,
	},
	"is exempt, is not told, and does not agree": {
		offer: untold(), hangUp: true, played: announcement + " consent repeat", result: "refused",
		announced: refused,
	},
	"is exempt": {
		offer: frontdesk.Offer{Free: true}, played: "free", result: "free", announced: free,
	},
	"has a code": {
		offer:  withCodes(),
		keys:   map[string]string{"code-offer": "*", "code-enter": "1234567890#"},
		set:    func(p *pbxFake) { p.codes["1234567890"] = true },
		played: announcement + " code-offer consent repeat code-enter free", result: "free",
		announced: free,
	},
	"has a wrong code, and agrees": {
		offer:  withCodes(),
		keys:   map[string]string{"consent": "*", "code-enter": "1#", "code-wrong": "1"},
		played: announcement + " code-offer consent repeat code-enter code-wrong", result: "priced",
		announced: agreed,
	},
	"guesses codes": {
		offer: withCodes(),
		keys:  map[string]string{"consent": "*", "code-enter": "1#|1#|1#", "code-wrong": "*|*|*"},
		played: announcement + " code-offer consent repeat" +
			strings.Repeat(" code-enter code-wrong", 3),
		result: "refused", announced: refused,
	},
	"hears it again, and agrees": {
		offer: priced(true), keys: map[string]string{"consent": "9|91"},
		played: strings.Repeat(announcement+" consent repeat ", 2) + announcement + " consent repeat",
		result: "priced", announced: agreed,
	},
	"needs no consent, and hears it again": {
		offer: priced(false), keys: map[string]string{"per-minute": "9"},
		played: announcement + " repeat " + announcement + " repeat", result: "priced",
		announced: pricedOnly,
	},
	"is exempt, and hears it again": {
		offer: frontdesk.Offer{Free: true}, keys: map[string]string{"free": "9"},
		played: "free free", result: "free", announced: free,
	},
	"begins the code anew": {
		offer:  withCodes(),
		keys:   map[string]string{"code-offer": "*", "code-enter": "129*|1234567890#"},
		set:    func(p *pbxFake) { p.codes["1234567890"] = true },
		played: announcement + " code-offer consent repeat code-enter code-enter free", result: "free",
		announced: free,
	},
	"hears the expected wait": {
		offer: waiting(priced(true), 121), keys: map[string]string{"consent": "1"},
		played: announcement + " wait-about number:3 wait-minutes consent repeat", result: "priced",
		announced: waitTold(agreed, 180),
	},
	"hears that the wait is short": {
		offer: waiting(frontdesk.Offer{Free: true}, 1), played: "free wait-under-a-minute",
		result: "free", announced: waitTold(free, 60),
	},
	"hears that the wait is not known": {
		offer: waiting(priced(false), 0), played: announcement + " wait-not-known repeat",
		result: "priced", announced: waitTold(pricedOnly, 0),
	},
	"the words of the wait are missing": {
		offer: waiting(priced(false), 600), set: func(p *pbxFake) { p.fails = "wait-minutes" },
		played: announcement + " wait-about number:10 repeat", result: "priced",
		announced: pricedOnly,
	},
	"the words of the key are missing": {
		offer: priced(false), set: func(p *pbxFake) { p.fails = "repeat" }, played: announcement,
		result: "priced", announced: pricedOnly,
	},
	"a prompt is missing": {
		offer: priced(false), set: func(p *pbxFake) { p.fails = "eur-cents" },
		played: "price eur-one and number:20 point digits:5", result: "unannounced",
	},
	"the call is unknown": {
		offer: priced(false), set: func(p *pbxFake) { p.unknown = true }, result: "unannounced",
	},
	"the meter is busy": {
		offer: priced(false), set: func(p *pbxFake) { p.busy = true },
		played: announcement + " repeat", result: "unannounced",
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
					p.keys = maps.Clone(c.keys)
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
	if !got.WaitToldAt.IsZero() {
		got.WaitToldAt = metering.Time{Time: time.Unix(1, 0)}
	}
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
			if lead < 3*time.Second || lead > 5*time.Second {
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
