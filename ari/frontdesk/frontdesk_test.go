package frontdesk_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/frontdesk"
	"github.com/risposta/gateway/metering"
)

func TestSurvey(t *testing.T) {
	for name, c := range map[string]struct{ first, second, played string }{
		"both":       {"4", "1", "survey-satisfaction survey-solved thanks"},
		"wrong keys": {"904", "52", "survey-satisfaction survey-solved thanks"},
		"only one":   {"3", "", "survey-satisfaction survey-solved thanks"},
		"no answer":  {"", "", "survey-satisfaction"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPBXFake(frontdesk.Offer{})
				p.keys["survey-satisfaction"], p.keys["survey-solved"] = c.first, c.second
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
