package frontdesk_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/frontdesk"
	"github.com/risposta/gateway/metering"
)

const channel ari.ChannelID = "pbx1-1.0"

// hall is a PBX with one caller at the desk: it plays prompts in a second each, and knows what a dialplan with an absolute timeout does.
type hall struct {
	mu       sync.Mutex
	desk     *frontdesk.Desk
	said     []string // prompts that were played to the end
	set      map[string]string
	deadline time.Time // when the dialplan goes on by itself
	left     string    // how the caller left the desk; "" while there
	keys     map[string]string
	fails    string // a prompt that can't be played
	offer    frontdesk.Offer
	known    bool
	codes    map[string]bool
	tried    []string
	told     []metering.Announcement
	busy     bool // the meter takes nothing
	result   string
	done     chan struct{}
}

func newHall(o frontdesk.Offer) *hall {
	return &hall{offer: o, known: true, set: map[string]string{}, keys: map[string]string{}, codes: map[string]bool{}, done: make(chan struct{})}
}

var errGone = errors.New("409 Conflict")

// here tells, under the lock, whether the caller is still at the desk.
func (h *hall) here() error {
	if h.left == "" && !h.deadline.IsZero() && !time.Now().Before(h.deadline) {
		h.left = "timeout"
	}
	if h.left != "" {
		return errGone
	}
	return nil
}

func (h *hall) Play(_ context.Context, _ ari.ChannelID, id, _, media string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.here(); err != nil {
		return err
	}
	name := strings.TrimPrefix(media, "sound:risposta/")
	go func() {
		time.Sleep(time.Second)
		state := "done"
		h.mu.Lock()
		if name == h.fails || h.here() != nil {
			state = "failed"
		} else {
			h.said = append(h.said, name)
		}
		keys := h.keys[name]
		h.mu.Unlock()
		h.desk.Take(ari.Event{Kind: ari.PlaybackFinished, At: time.Now(), Playback: id, PlayState: state})
		for _, k := range keys { // the caller answers half a second later
			time.Sleep(500 * time.Millisecond)
			h.desk.Take(ari.Event{Kind: ari.ChannelDtmfReceived, Channel: ari.Channel{ID: channel}, Digit: string(k)})
		}
	}()
	return nil
}

func (h *hall) Set(_ context.Context, _ ari.ChannelID, name, value string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.here(); err != nil {
		return err
	}
	h.set[name] = value
	if name == "TIMEOUT(absolute)" {
		var seconds float64
		if _, err := fmt.Sscan(value, &seconds); err != nil {
			return err
		}
		h.deadline = time.Time{}
		if seconds > 0 {
			h.deadline = time.Now().Add(time.Duration(seconds * float64(time.Second)))
		}
	}
	return nil
}

func (h *hall) Continue(context.Context, ari.ChannelID) error { return h.go0("continue") }
func (h *hall) HangUp(context.Context, ari.ChannelID) error   { return h.go0("hangup") }

func (h *hall) go0(how string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.here(); err != nil {
		return err
	}
	h.left = how
	return nil
}

func (h *hall) Offer(ctx context.Context, _ metering.CallID) (frontdesk.Offer, bool) {
	if !h.known {
		<-time.After(time.Second)
	}
	return h.offer, h.known
}

func (h *hall) Code(_ context.Context, _ metering.CallID, code string) bool {
	h.tried = append(h.tried, code)
	return h.codes[code]
}

func (h *hall) Admit(_ context.Context, _ metering.CallID, a metering.Announcement) error {
	if h.busy {
		return errors.New("busy")
	}
	h.told = append(h.told, a)
	return nil
}

func (h *hall) Left(_, result string) {
	h.result = result
	close(h.done)
}

// visit lets a caller come to the desk, and returns when the desk is through.
func (h *hall) visit(t *testing.T, cfg frontdesk.Config, args ...string) {
	t.Helper()
	h.desk = frontdesk.New(cfg, h, h, h)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		h.desk.Run(ctx)
	}()
	synctest.Wait()
	if h.deadline.IsZero() {
		h.deadline = time.Now().Add(200 * time.Millisecond)
	}
	h.desk.Take(ari.Event{Kind: ari.StasisStart, Channel: ari.Channel{ID: channel}, Args: args})
	<-h.done
	cancel()
	<-ended
	time.Sleep(time.Minute) // whatever still plays
	synctest.Wait()
}

func priced(consent bool) frontdesk.Offer {
	return frontdesk.Offer{Tariff: "standard@1", PerMinute: "1.205", Currency: "EUR", Consent: consent}
}

const announcement = "price eur-one and number:20 point digits:5 eur-cents per-minute"

func TestVisitsToTheDesk(t *testing.T) {
	codes := priced(true)
	codes.Codes = true
	for name, c := range map[string]struct {
		offer        frontdesk.Offer
		set          func(*hall)
		refuser      bool // who refuses is hung up on
		said, result string
		left         string
		told         metering.Announcement // AnnouncedAt: any
	}{
		"no consent needed": {offer: priced(false), said: announcement, result: "priced", left: "continue", told: metering.Announcement{Tariff: "standard@1"}},
		"agrees": {offer: priced(true), set: func(h *hall) { h.keys["consent"] = "1" }, said: announcement + " consent", result: "priced", left: "continue",
			told: metering.Announcement{Tariff: "standard@1", Consent: "given"}},
		"presses other keys first": {offer: priced(true), set: func(h *hall) { h.keys["consent"] = "97*1" }, said: announcement + " consent", result: "priced", left: "continue",
			told: metering.Announcement{Tariff: "standard@1", Consent: "given"}},
		"refuses, and goes on free": {offer: priced(true), said: announcement + " consent", result: "refused", left: "continue", told: metering.Announcement{Tariff: "standard@1", Consent: "refused"}},
		"refuses, and is hung up on": {offer: priced(true), refuser: true, said: announcement + " consent refused", result: "refused", left: "hangup",
			told: metering.Announcement{Tariff: "standard@1", Consent: "refused"}},
		"is exempt": {offer: frontdesk.Offer{Free: true}, said: "free", result: "free", left: "continue", told: metering.Announcement{Free: true}},
		"has a code": {offer: codes, set: func(h *hall) {
			h.keys["code-offer"], h.keys["code-enter"], h.codes["1234567890"] = "*", "1234567890#", true
		},
			said: announcement + " code-offer consent code-enter free", result: "free", left: "continue", told: metering.Announcement{Free: true}},
		"has a wrong code, and agrees": {offer: codes, set: func(h *hall) { h.keys["consent"], h.keys["code-enter"], h.keys["code-wrong"] = "*", "1#", "1" },
			said: announcement + " code-offer consent code-enter code-wrong", result: "priced", left: "continue", told: metering.Announcement{Tariff: "standard@1", Consent: "given"}},
		"guesses codes": {offer: codes, set: func(h *hall) { h.keys["consent"], h.keys["code-enter"], h.keys["code-wrong"] = "*", "1#", "*" },
			said: announcement + " code-offer consent code-enter code-wrong code-enter code-wrong code-enter code-wrong", result: "refused", left: "continue",
			told: metering.Announcement{Tariff: "standard@1", Consent: "refused"}},
		"a prompt is missing": {offer: priced(false), set: func(h *hall) { h.fails = "eur-cents" }, said: "price eur-one and number:20 point digits:5", result: "unsaid", left: "continue"},
		"the call is unknown": {offer: priced(false), set: func(h *hall) { h.known = false }, result: "unsaid", left: "continue"},
		"the meter is busy":   {offer: priced(false), set: func(h *hall) { h.busy = true }, said: announcement, result: "unsaid", left: "continue"},
		"the gateway is late": {offer: priced(false), set: func(h *hall) { h.deadline = time.Now() }, result: "unsaid", left: "timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHall(c.offer)
				if c.set != nil {
					c.set(h)
				}
				h.visit(t, frontdesk.Config{Language: "it", HangUpRefusers: c.refuser}, "announce")
				if got := strings.Join(h.said, " "); got != c.said || h.result != c.result || h.left != c.left {
					t.Errorf("said %q, %s, left by %s\nwant %q, %s, %s", got, h.result, h.left, c.said, c.result, c.left)
				}
				var told metering.Announcement
				if len(h.told) > 0 {
					told = h.told[len(h.told)-1]
				}
				announced := !told.AnnouncedAt.IsZero()
				told.AnnouncedAt = metering.Time{}
				if told != c.told || announced != (c.told.Tariff != "") {
					t.Errorf("told %+v (announced: %v), want %+v", told, announced, c.told)
				}
				if h.left == "continue" && h.set["TIMEOUT(absolute)"] != "0" {
					t.Error("the caller goes on with a timeout running")
				}
				if h.left == "continue" && h.set["RISPOSTA"] != c.result {
					t.Errorf("the dialplan is told %q, want %q", h.set["RISPOSTA"], c.result)
				}
			})
		})
	}
}

// The price is due 3 s after it has been told at the earliest, however quickly the caller agrees.
func TestThePriceIsToldInTime(t *testing.T) {
	for _, consent := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			h := newHall(priced(consent))
			h.keys["consent"] = "1"
			var on time.Time
			go func() {
				<-h.done
				on = time.Now()
			}()
			h.visit(t, frontdesk.Config{Language: "it"}, "announce")
			if lead := on.Sub(h.told[0].AnnouncedAt.Time); lead < 3*time.Second || lead > 4*time.Second {
				t.Errorf("with consent %v the caller goes on %s after the price was told", consent, lead)
			}
		})
	}
}

// The caller hangs up, or the dialplan takes over, in the middle of anything: the desk notices and does nothing more.
func TestTheCallerLeaves(t *testing.T) {
	for after := 100 * time.Millisecond; after < 20*time.Second; after += 700 * time.Millisecond {
		synctest.Test(t, func(t *testing.T) {
			h := newHall(priced(true))
			go func() {
				time.Sleep(after)
				h.mu.Lock()
				if h.left == "" {
					h.left = "hung up"
				}
				h.mu.Unlock()
				h.desk.Take(ari.Event{Kind: ari.StasisEnd, Channel: ari.Channel{ID: channel}})
			}()
			h.visit(t, frontdesk.Config{Language: "it"}, "announce")
			if h.left != "hung up" && h.left != "continue" {
				t.Errorf("after %s: left by %s", after, h.left)
			}
			for _, a := range h.told {
				if a.Consent == metering.ConsentGiven {
					t.Errorf("after %s: a caller who pressed nothing has agreed", after)
				}
			}
		})
	}
}

func TestTheSurvey(t *testing.T) {
	for name, c := range map[string]struct{ first, second, said string }{
		"both":         {"4", "1", "survey-satisfaction survey-solved thanks"},
		"wrong keys":   {"904", "52", "survey-satisfaction survey-solved thanks"},
		"only one":     {"3", "", "survey-satisfaction survey-solved thanks"},
		"says nothing": {"", "", "survey-satisfaction"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHall(frontdesk.Offer{})
				h.keys["survey-satisfaction"], h.keys["survey-solved"] = c.first, c.second
				h.visit(t, frontdesk.Config{Language: "it"}, "survey", "en")
				if got := strings.Join(h.said, " "); got != c.said || h.left != "continue" || len(h.told) != 0 {
					t.Errorf("said %q, left by %s, told the meter %v; want %q", got, h.left, h.told, c.said)
				}
			})
		})
	}
}

// What no dialplan of ours asks for is sent on at once; a second word about a caller who is there already starts nothing.
func TestOtherArgumentsAreSentOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(priced(false))
		h.visit(t, frontdesk.Config{Language: "it"}, "other")
		if h.left != "continue" || len(h.said) != 0 {
			t.Errorf("left by %s, said %v", h.left, h.said)
		}
	})
}

// However many callers come at once: as many as the bound allows are served, the others are left to the dialplan's timeout.
func TestTheDeskIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &crowd{}
		d := frontdesk.New(frontdesk.Config{Language: "it"}, h, h, h)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			d.Run(ctx)
		}()
		synctest.Wait()
		for i := range 3000 {
			d.Take(ari.Event{Kind: ari.StasisStart, Channel: ari.Channel{ID: ari.ChannelID(fmt.Sprint(i))}, Args: []string{"announce"}})
		}
		synctest.Wait()
		if n := len(h.served); n != 1024 {
			t.Errorf("%d callers are served at once, want 1024", n)
		}
		cancel()
		<-ended
		if n := h.left; n != 1024 {
			t.Errorf("%d callers were let go at the end", n)
		}
	})
}

// crowd keeps every caller at the offer.
type crowd struct {
	hall
	mu     sync.Mutex
	served []ari.ChannelID
	left   int
}

func (c *crowd) Set(_ context.Context, ch ari.ChannelID, _, _ string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Contains(c.served, ch) {
		c.served = append(c.served, ch)
	}
	return nil
}

func (c *crowd) Continue(context.Context, ari.ChannelID) error { return nil }

func (c *crowd) Offer(ctx context.Context, _ metering.CallID) (frontdesk.Offer, bool) {
	<-ctx.Done()
	return frontdesk.Offer{}, false
}

func (c *crowd) Left(string, string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left++
}
