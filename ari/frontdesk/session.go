package frontdesk

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/risposta/gateway/ari"
)

// session is one caller at the desk. One goroutine serves it.
type session struct {
	desk     *Desk
	cfg      Config // under which the caller came
	ch       ari.ChannelID
	language string
	events   chan ari.Event
	keys     []string           // pressed during prompts and not used yet
	played   int                // playbacks so far
	left     context.CancelFunc // ends the session: the caller has left
}

// deliver passes an event to the session's goroutine, or drops it where that is behind.
func (s *session) deliver(ev ari.Event) {
	if s == nil {
		return
	}
	select {
	case s.events <- ev:
	default:
	}
}

// leave ends the session of a caller who is no longer at the desk.
func (s *session) leave() {
	if s != nil {
		s.left()
	}
}

// The timing of a session.
const (
	// extension is how long from now the dialplan is asked to wait, each extendEvery: a caller whose
	// gateway has died continues after extension.
	extension   = 3 * time.Second
	extendEvery = time.Second
	// maxPrompt is what one prompt may take. It is set before each prompt and cuts a longer one off: a
	// timeout that was set while the channel played did not count (seen on 22.10.1: extended each
	// second, a playback was cut all the same when the timeout from before it ran out).
	maxPrompt   = 8 * time.Second
	keyTimeout  = 8 * time.Second // for a caller to press a key
	codeTimeout = 5 * time.Second // between two digits of a code
)

// The slow pace: time limits are doubled, each sentence is followed by a pause, and a slower
// recording of a prompt is played where there is one.
const (
	slower    = 2
	slowPause = time.Second
	slowSound = "sound:risposta/slow/"
)

// limit is a time limit at the pace of the desk.
func (s *session) limit(d time.Duration) time.Duration {
	if s.cfg.Slow {
		return slower * d
	}
	return d
}

// absoluteTimeout is Asterisk's own function: when it runs out the dialplan continues at extension
// T, whatever Stasis() is doing.
const absoluteTimeout = "TIMEOUT(absolute)"

// extendTimeout makes the dialplan wait for d from now on.
func (s *session) extendTimeout(ctx context.Context, d time.Duration) error {
	rctx, cancel := requestContext(ctx)
	defer cancel()
	seconds := strconv.FormatFloat(d.Seconds(), 'f', 1, 64)
	return s.desk.control.SetVariable(rctx, s.ch, absoluteTimeout, seconds)
}

// await waits for an event that match accepts: true; or until wait has passed: false. Where extend
// is set it keeps extending the dialplan's timeout. An error means that the caller has left.
func (s *session) await(
	ctx context.Context, wait time.Duration, extend bool, match func(ari.Event) bool,
) (bool, error) {
	if extend {
		if err := s.extendTimeout(ctx, extension); err != nil {
			return false, err
		}
	}
	timeout := time.NewTimer(wait)
	defer timeout.Stop()
	tick := time.NewTicker(extendEvery)
	defer tick.Stop()
	for {
		select {
		case ev := <-s.events:
			if match(ev) {
				return true, nil
			}
		case <-tick.C:
			if !extend {
				continue
			}
			if err := s.extendTimeout(ctx, extension); err != nil {
				return false, err
			}
		case <-timeout.C:
			return false, nil
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}

// play plays media to the end and returns when that was, by the PBX's clock. ok is false where a
// prompt could not be played, or the caller has left.
func (s *session) play(ctx context.Context, media ...string) (ended time.Time, ok bool) {
	for _, m := range media {
		if name, own := strings.CutPrefix(m, sound("")); own && s.cfg.Slow {
			if ended, ok = s.playOne(ctx, slowSound+name); ok {
				continue
			}
		}
		if ended, ok = s.playOne(ctx, m); !ok {
			return ended, false
		}
	}
	if s.cfg.Slow {
		s.pause(ctx, slowPause)
	}
	return ended, true
}

func (s *session) playOne(ctx context.Context, media string) (ended time.Time, ok bool) {
	longest := s.limit(maxPrompt)
	if s.extendTimeout(ctx, longest) != nil {
		return ended, false
	}
	id := s.register()
	defer s.unregister(id)
	rctx, cancel := requestContext(ctx)
	defer cancel()
	if s.desk.control.Play(rctx, s.ch, id, s.language, media) != nil {
		return ended, false
	}
	done := false
	finished, err := s.await(ctx, longest, false, func(ev ari.Event) bool {
		s.keep(ev)
		if ev.Kind != ari.PlaybackFinished || ev.Playback != id {
			return false
		}
		ended, done = ev.At, ev.PlayState == "done"
		return true
	})
	return ended, err == nil && finished && done
}

// keep keeps a key that no question has asked for yet.
func (s *session) keep(ev ari.Event) {
	if ev.Kind == ari.ChannelDtmfReceived {
		s.keys = append(s.keys, ev.Digit)
	}
}

func (s *session) register() string {
	s.played++
	id := fmt.Sprintf("risposta-%s-%d", s.ch, s.played)
	s.desk.mu.Lock()
	defer s.desk.mu.Unlock()
	s.desk.playbacks[id] = s
	return id
}

func (s *session) unregister(id string) {
	s.desk.mu.Lock()
	defer s.desk.mu.Unlock()
	delete(s.desk.playbacks, id)
}

// key returns the next key that the caller presses, "" where none comes in time.
func (s *session) key(ctx context.Context, wait time.Duration) (k string) {
	if len(s.keys) > 0 {
		k, s.keys = s.keys[0], s.keys[1:]
		return k
	}
	_, err := s.await(ctx, wait, true, func(ev ari.Event) bool {
		k = ev.Digit
		return ev.Kind == ari.ChannelDtmfReceived
	})
	if err != nil {
		return ""
	}
	return k
}

// pause keeps the caller at the desk, in silence.
func (s *session) pause(ctx context.Context, d time.Duration) {
	if d > 0 {
		// An error means that the caller has left: there is nothing more to wait for.
		_, _ = s.await(ctx, d, true, func(ev ari.Event) bool {
			s.keep(ev)
			return false
		})
	}
}

// continueInDialplan sends the caller on, with a value in a variable of the dialplan. The
// timeout keeps running: if a request gets lost Asterisk itself sends the caller on. The dialplan
// clears it, on both ways.
func (s *session) continueInDialplan(ctx context.Context, variable, value string) {
	if s.extendTimeout(ctx, extension) != nil {
		return // the caller has continued already
	}
	rctx, cancel := requestContext(ctx)
	defer cancel()
	control := s.desk.control
	if control.SetVariable(rctx, s.ch, variable, value) != nil {
		return // likewise
	}
	_ = control.Continue(rctx, s.ch) // likewise
}
