package frontdesk

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/risposta/gateway/ari"
)

// session is one caller at the desk. One goroutine serves it.
type session struct {
	desk     *Desk
	ch       ari.ChannelID
	language string
	events   chan ari.Event
	keys     []string           // pressed and not used yet
	played   int                // playbacks so far
	left     context.CancelFunc // ends the serving: the caller has left
}

// tell hands an event to the caller's goroutine, or drops it where that is behind.
func (g *session) tell(ev ari.Event) {
	if g == nil {
		return
	}
	select {
	case g.events <- ev:
	default:
	}
}

// leave notes that the caller is no longer at the desk.
func (g *session) leave() {
	if g != nil {
		g.left()
	}
}

// The times of a caller at the desk.
const (
	// step is how long the dialplan is asked to wait from each moment on, and beat how often it is asked: a caller whose gateway has died goes on after step.
	step = 3 * time.Second
	beat = time.Second
	// longestSound is what one prompt may take: a timeout set while the channel plays did not count (seen on 22.10.1: prolonged each second, a playback was
	// cut all the same when the one set before it ran out), so it is given before each prompt, and cuts a longer one off.
	longestSound = 8 * time.Second
	keyTimeout   = 8 * time.Second // for a caller to press a key
	codeTimeout  = 5 * time.Second // between two digits of a code
)

// hold asks the dialplan to wait for so long from now on.
func (g *session) hold(ctx context.Context, d time.Duration) error {
	rctx, cancel := within(ctx)
	defer cancel()
	return g.desk.control.Set(rctx, g.ch, absoluteTimeout, strconv.FormatFloat(d.Seconds(), 'f', 1, 64))
}

// absoluteTimeout is Asterisk's own function: when it runs out the dialplan goes on at T, whatever Stasis() is doing.
const absoluteTimeout = "TIMEOUT(absolute)"

// await waits until something happens that took is happy with, or until wait has passed: false. Where held, it holds the caller all the while. It returns an
// error when the caller has left.
func (g *session) await(ctx context.Context, wait time.Duration, held bool, took func(ari.Event) bool) (bool, error) {
	if held {
		if err := g.hold(ctx, step); err != nil {
			return false, err
		}
	}
	timeout := time.NewTimer(wait)
	defer timeout.Stop()
	tick := time.NewTicker(beat)
	defer tick.Stop()
	for {
		select {
		case ev := <-g.events:
			if took(ev) {
				return true, nil
			}
		case <-tick.C:
			if !held {
				continue
			}
			if err := g.hold(ctx, step); err != nil {
				return false, err
			}
		case <-timeout.C:
			return false, nil
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}

// sound is one of the front desk's own prompts; number is spoken from Asterisk's sounds.
func sound(name string) string { return "sound:risposta/" + name }

func number(n int64) string { return "number:" + strconv.FormatInt(n, 10) }

// say plays media to the end and returns when, by the PBX's clock, that was. ok is false where they could not be played, or the caller has left.
func (g *session) say(ctx context.Context, media ...string) (ended time.Time, ok bool) {
	for _, m := range media {
		if ended, ok = g.sayOne(ctx, m); !ok {
			return ended, false
		}
	}
	return ended, true
}

func (g *session) sayOne(ctx context.Context, media string) (ended time.Time, ok bool) {
	if g.hold(ctx, longestSound) != nil {
		return ended, false
	}
	id := g.register()
	defer g.unregister(id)
	rctx, cancel := within(ctx)
	defer cancel()
	if g.desk.control.Play(rctx, g.ch, id, g.language, media) != nil {
		return ended, false
	}
	done := false
	heard, err := g.await(ctx, longestSound, false, func(ev ari.Event) bool {
		if ev.Kind == ari.ChannelDtmfReceived {
			g.keys = append(g.keys, ev.Digit)
		}
		if ev.Kind != ari.PlaybackFinished || ev.Playback != id {
			return false
		}
		ended, done = ev.At, ev.PlayState == "done"
		return true
	})
	return ended, err == nil && heard && done
}

func (g *session) register() string {
	g.played++
	id := fmt.Sprintf("risposta-%s-%d", g.ch, g.played)
	g.desk.mu.Lock()
	defer g.desk.mu.Unlock()
	g.desk.playbacks[id] = g
	return id
}

func (g *session) unregister(id string) {
	g.desk.mu.Lock()
	defer g.desk.mu.Unlock()
	delete(g.desk.playbacks, id)
}

// key is the next key that the caller presses, "" where none comes in time.
func (g *session) key(ctx context.Context, wait time.Duration) (k string) {
	if len(g.keys) > 0 {
		k, g.keys = g.keys[0], g.keys[1:]
		return k
	}
	_, err := g.await(ctx, wait, true, func(ev ari.Event) bool {
		k = ev.Digit
		return ev.Kind == ari.ChannelDtmfReceived
	})
	if err != nil {
		return ""
	}
	return k
}

// pause keeps the caller, in silence.
func (g *session) pause(ctx context.Context, d time.Duration) {
	if d > 0 {
		_, _ = g.await(ctx, d, true, func(ari.Event) bool { return false }) // who has left need not be kept
	}
}

// goOn sends the caller on in the dialplan, with a word for it.
func (g *session) goOn(ctx context.Context, result string) {
	rctx, cancel := within(ctx)
	defer cancel()
	if g.desk.control.Set(rctx, g.ch, "RISPOSTA", result) != nil || g.desk.control.Set(rctx, g.ch, absoluteTimeout, "0") != nil {
		return // the caller has gone on already
	}
	_ = g.desk.control.Continue(rctx, g.ch) // likewise
}
