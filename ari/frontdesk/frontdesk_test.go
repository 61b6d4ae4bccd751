package frontdesk_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/frontdesk"
	"github.com/risposta/gateway/metering"
)

// The key that repeats is told with the first question. Who says under solved_first that the matter
// is not solved is not asked for satisfaction.
func TestSurvey(t *testing.T) {
	for name, c := range map[string]struct {
		solvedFirst          bool
		satisfaction, solved string // keys
		played               string
	}{
		"both":       {false, "4", "1", "survey-satisfaction repeat survey-solved thanks"},
		"wrong keys": {false, "804", "52", "survey-satisfaction repeat survey-solved thanks"},
		"only one":   {false, "3", "", "survey-satisfaction repeat survey-solved thanks"},
		"no answer":  {false, "", "", "survey-satisfaction repeat"},
		"hears both again": {
			false, "9|3", "9|9|2", "survey-satisfaction repeat survey-satisfaction repeat " +
				"survey-solved survey-solved survey-solved thanks",
		},
		"hears it for ever": {
			false, "9|9|9|9|9|9|9|9", "", strings.Repeat("survey-satisfaction repeat ", 5) +
				"survey-satisfaction repeat",
		},
		"solved first":           {true, "4", "1", "survey-solved repeat survey-satisfaction thanks"},
		"not solved":             {true, "4", "2", "survey-solved repeat thanks"},
		"says nothing":           {true, "4", "", "survey-solved repeat"},
		"solved, and wrong keys": {true, "86", "41", "survey-solved repeat survey-satisfaction thanks"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPBXFake(frontdesk.Offer{})
				p.solved = c.solvedFirst
				p.keys["survey-satisfaction"], p.keys["survey-solved"] = c.satisfaction, c.solved
				p.visit(t, frontdesk.Config{Language: "it"}, "survey", "en")
				got := strings.Join(p.played, " ")
				if got != c.played || p.left != "continue" || len(p.announced) != 0 {
					t.Errorf("played %q, left by %s, announced %v; want %q",
						got, p.left, p.announced, c.played)
				}
			})
		})
	}
}

// Callers who come for anything else than announce and survey are sent on at once.
func TestOtherArgumentsAreSentOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPBXFake(priced(false))
		p.visit(t, frontdesk.Config{Language: "it"}, "other")
		if p.left != "continue" || len(p.played) != 0 {
			t.Errorf("left by %s, played %v", p.left, p.played)
		}
	})
}

// The last request about a caller gets lost, whatever the caller came for: Asterisk's own timeout
// sends the caller on.
func TestTheLastRequestFailsAndTheCallerContinues(t *testing.T) {
	for name, c := range map[string]struct {
		config  frontdesk.Config
		consent bool
		service string
	}{
		"announce":           {service: "announce"},
		"a survey":           {service: "survey"},
		"anything else":      {service: "other"},
		"a caller is put on": {service: "announce", consent: true},
		"a caller is hung up on": {
			service: "announce", consent: true, config: frontdesk.Config{HangUpRefusers: true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPBXFake(priced(c.consent))
				p.deaf = true
				p.visit(t, c.config, c.service)
				if p.left != "timeout" {
					t.Errorf("a minute later the caller has left by %q, want the timeout; %v", p.left, p.set)
				}
			})
		})
	}
}

// The timeout runs as the caller leaves Stasis(), by either way: the dialplan that is delivered
// clears it there.
func TestTheDialplanClearsTheTimeout(t *testing.T) {
	text, err := os.ReadFile("../../deploy/asterisk/etc/extensions.conf")
	if err != nil {
		t.Fatal(err)
	}
	const clears = "Set(TIMEOUT(absolute)=0)"
	visits := 0
	lines := strings.Split(string(text), "\n")
	for i, line := range lines {
		switch {
		case strings.Contains(line, ",Stasis(risposta,"):
			visits++
			if !strings.HasSuffix(lines[i+1], clears) {
				t.Errorf("after %q comes %q, want %s", line, lines[i+1], clears)
			}
		case strings.HasPrefix(line, "exten => T,1,"):
			visits++
			if !strings.HasSuffix(line, clears) {
				t.Errorf("at T comes %q, want %s", line, clears)
			}
		}
	}
	if visits != 4 {
		t.Errorf("%d ways out of Stasis() were found, want text, announce, survey and T", visits)
	}
}

// However many callers come at once, as many as the bound allows are served. The others are left to
// the dialplan's timeout.
func TestSessionsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &crowd{}
		d := frontdesk.New(frontdesk.Config{Language: "it"}, c, c, c)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			d.Run(ctx)
		}()
		synctest.Wait()
		for i := range 3000 {
			id := ari.ChannelID(fmt.Sprint(i))
			d.Deliver(ari.Event{
				Kind: ari.StasisStart, Channel: ari.Channel{ID: id}, Args: []string{"announce"},
			})
		}
		synctest.Wait()
		if n := len(c.served); n != 1024 {
			t.Errorf("%d callers are served at once, want 1024", n)
		}
		cancel()
		<-ended
		if n := c.left; n != 1024 {
			t.Errorf("%d callers were sent on at the end, want 1024", n)
		}
	})
}

// crowd keeps every caller waiting for the offer.
type crowd struct {
	pbxFake
	mu     sync.Mutex
	served []ari.ChannelID
	left   int
}

func (c *crowd) SetVariable(_ context.Context, ch ari.ChannelID, _, _ string) error {
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
