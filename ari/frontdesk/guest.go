package frontdesk

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/risposta/gateway/ari"
)

// guest is one caller at the desk. One goroutine serves it.
type guest struct {
	desk     *Desk
	ch       ari.ChannelID
	language string
	events   chan ari.Event
	keys     []string // pressed and not used yet
	played   int      // playbacks so far
	leave0   context.CancelFunc
	gone     <-chan struct{}
}

// tell hands an event to the caller's goroutine, or drops it where that is behind.
func (g *guest) tell(ev ari.Event) {
	if g == nil {
		return
	}
	select {
	case g.events <- ev:
	default:
	}
}

// leave notes that the caller is no longer at the desk.
func (g *guest) leave() {
	if g != nil {
		g.leave0()
	}
}

// How long the dialplan is asked to wait for the next step: what it takes at most, and a little more. When the gateway dies meanwhile the caller waits no
// longer than that.
const (
	step        = 3 * time.Second // to think, to look something up, to press a key
	perPrompt   = 9 * time.Second // of a recorded prompt
	perNumber   = 4 * time.Second
	keyTimeout  = 8 * time.Second // for a caller to press a key
	codeTimeout = 5 * time.Second // between two digits of a code
)

// hold asks the dialplan to wait for so long from now on; 0: for ever, when the caller goes on.
func (g *guest) hold(ctx context.Context, d time.Duration) error {
	rctx, cancel := within(ctx)
	defer cancel()
	return g.desk.phone.Set(rctx, g.ch, "TIMEOUT(absolute)", strconv.FormatFloat(d.Seconds(), 'f', 1, 64))
}

// sound is one of the front desk's own prompts; number is spoken from Asterisk's sounds.
func sound(name string) string { return "sound:risposta/" + name }

func number(n int64) string { return "number:" + strconv.FormatInt(n, 10) }

// say plays media to the end and returns when, by the PBX's clock, that was. ok is false where they could not be played, or the caller has left.
func (g *guest) say(ctx context.Context, media ...string) (ended time.Time, ok bool) {
	longest := step
	for _, m := range media {
		if strings.HasPrefix(m, "sound:") {
			longest += perPrompt
		} else {
			longest += perNumber
		}
	}
	if g.hold(ctx, longest) != nil {
		return ended, false
	}
	id := g.register()
	defer g.unregister(id)
	rctx, cancel := within(ctx)
	defer cancel()
	if g.desk.phone.Play(rctx, g.ch, id, g.language, media) != nil {
		return ended, false
	}
	timeout := time.After(longest)
	for {
		select {
		case ev := <-g.events:
			switch {
			case ev.Kind == ari.PlaybackFinished && ev.Playback == id:
				return ev.At, ev.PlayState == "done"
			case ev.Kind == ari.ChannelDtmfReceived:
				g.keys = append(g.keys, ev.Digit)
			}
		case <-timeout:
			return ended, false
		case <-ctx.Done():
			return ended, false
		}
	}
}

func (g *guest) register() string {
	g.played++
	id := fmt.Sprintf("risposta-%s-%d", g.ch, g.played)
	g.desk.mu.Lock()
	defer g.desk.mu.Unlock()
	g.desk.playbacks[id] = g
	return id
}

func (g *guest) unregister(id string) {
	g.desk.mu.Lock()
	defer g.desk.mu.Unlock()
	delete(g.desk.playbacks, id)
}

// key is the next key that the caller presses, "" where none comes in time.
func (g *guest) key(ctx context.Context, wait time.Duration) string {
	if len(g.keys) > 0 {
		k := g.keys[0]
		g.keys = g.keys[1:]
		return k
	}
	if g.hold(ctx, wait+step) != nil {
		return ""
	}
	timeout := time.After(wait)
	for {
		select {
		case ev := <-g.events:
			if ev.Kind == ari.ChannelDtmfReceived {
				return ev.Digit
			}
		case <-timeout:
			return ""
		case <-ctx.Done():
			return ""
		}
	}
}

// goOn sends the caller on in the dialplan, with a word for it.
func (g *guest) goOn(ctx context.Context, result string) {
	rctx, cancel := within(ctx)
	defer cancel()
	if g.desk.phone.Set(rctx, g.ch, "RISPOSTA", result) != nil || g.desk.phone.Set(rctx, g.ch, "TIMEOUT(absolute)", "0") != nil {
		return // the caller has gone on already
	}
	_ = g.desk.phone.Continue(rctx, g.ch) // likewise
}
