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

// pbxFake is a PBX with one caller at the desk, and the desk's backend. It plays each prompt in a
// second, and behaves as a dialplan with an absolute timeout does.
type pbxFake struct {
	mu        sync.Mutex
	desk      *frontdesk.Desk
	played    []string // prompts that were played to the end
	set       map[string]string
	deadline  time.Time         // when the dialplan continues by itself
	left      string            // how the caller left the desk; "" while there
	remaining time.Duration     // of the timeout as the caller left
	deaf      bool              // requests to continue or hang up get lost
	keys      map[string]string // what the caller presses after a prompt; after each | the next time
	fails     string            // a prompt that cannot be played
	slow      map[string]bool   // prompts of which there is a slower recording
	offer     frontdesk.Offer
	unknown   bool     // the call never arrives
	slowly    bool     // the offer takes half a second
	solved    bool     // the survey asks first whether the matter is solved
	comesBack bool     // the first visit is not the last
	again     []string // the arguments of a second visit, which follows the first at once
	texted    []string
	toldAt    time.Time // when the last prompt ended
	codes     map[string]bool
	announced []metering.Announcement
	busy      bool // the meter takes nothing
	result    string
	observing sync.Mutex // result, of two sessions at once
	done      chan struct{}
}

func newPBXFake(o frontdesk.Offer) *pbxFake {
	return &pbxFake{
		offer: o, set: map[string]string{}, keys: map[string]string{},
		codes: map[string]bool{}, done: make(chan struct{}),
	}
}

var errGone = errors.New("409 Conflict")

// atDesk returns an error, under the lock, when the caller is no longer at the desk.
func (p *pbxFake) atDesk() error {
	if p.left == "" && !p.deadline.IsZero() && !time.Now().Before(p.deadline) {
		p.left = "timeout"
	}
	if p.left != "" {
		return errGone
	}
	return nil
}

func (p *pbxFake) Play(_ context.Context, _ ari.ChannelID, id, _, media string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.atDesk(); err != nil {
		return err
	}
	name := strings.TrimPrefix(media, "sound:risposta/")
	go func() {
		time.Sleep(time.Second)
		state := "done"
		p.mu.Lock()
		slow, slower := strings.CutPrefix(name, "slow/")
		if name == p.fails || p.atDesk() != nil || slower && !p.slow[slow] {
			state = "failed"
		} else {
			p.played, p.toldAt = append(p.played, name), time.Now()
		}
		keys, later, _ := strings.Cut(p.keys[name], "|")
		p.keys[name] = later
		p.mu.Unlock()
		p.desk.Deliver(ari.Event{
			Kind: ari.PlaybackFinished, At: time.Now(), Playback: id, PlayState: state,
		})
		for _, k := range keys { // the caller answers half a second later
			time.Sleep(500 * time.Millisecond)
			p.desk.Deliver(ari.Event{
				Kind: ari.ChannelDtmfReceived, Channel: ari.Channel{ID: channel}, Digit: string(k),
			})
		}
	}()
	return nil
}

func (p *pbxFake) SetVariable(_ context.Context, _ ari.ChannelID, name, value string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.atDesk(); err != nil {
		return err
	}
	p.set[name] = value
	if name == "TIMEOUT(absolute)" {
		var seconds float64
		if _, err := fmt.Sscan(value, &seconds); err != nil {
			return err
		}
		p.deadline = time.Time{}
		if seconds > 0 {
			p.deadline = time.Now().Add(time.Duration(seconds * float64(time.Second)))
		}
	}
	return nil
}

func (p *pbxFake) Continue(context.Context, ari.ChannelID) error { return p.leave("continue") }
func (p *pbxFake) HangUp(context.Context, ari.ChannelID) error   { return p.leave("hangup") }

func (p *pbxFake) leave(how string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.deaf {
		return context.DeadlineExceeded
	}
	if err := p.atDesk(); err != nil {
		return err
	}
	p.left, p.remaining = how, time.Until(p.deadline)
	if args := p.again; args != nil {
		p.again, p.left, p.deadline = nil, "", time.Now().Add(200*time.Millisecond)
		p.desk.Deliver(ari.Event{Kind: ari.StasisEnd, Channel: ari.Channel{ID: channel}})
		p.desk.Deliver(ari.Event{
			Kind: ari.StasisStart, Channel: ari.Channel{ID: channel}, Args: args,
		})
	}
	return nil
}

func (p *pbxFake) Offer(context.Context, metering.CallID) (frontdesk.Offer, bool) {
	if p.unknown {
		time.Sleep(time.Second)
	}
	if p.slowly {
		time.Sleep(500 * time.Millisecond)
	}
	return p.offer, !p.unknown
}

func (p *pbxFake) SolvedFirst(metering.CallID) bool { return p.solved }

func (p *pbxFake) TextSent(status string) { p.texted = append(p.texted, status) }

func (p *pbxFake) CheckCode(_ context.Context, _ metering.CallID, code string) bool {
	return p.codes[code]
}

func (p *pbxFake) Announced(_ context.Context, _ metering.CallID, a metering.Announcement) error {
	if p.busy {
		return errors.New("busy")
	}
	p.announced = append(p.announced, a)
	return nil
}

func (p *pbxFake) Left(service, result string) {
	p.observing.Lock()
	defer p.observing.Unlock()
	p.result = result
	if service != "text" || !p.comesBack {
		close(p.done)
	}
}

// visit brings a caller to the desk, and returns when the session has ended.
func (p *pbxFake) visit(t *testing.T, cfg frontdesk.Config, args ...string) {
	t.Helper()
	p.desk = frontdesk.New(cfg, p, p, p)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		p.desk.Run(ctx)
	}()
	synctest.Wait()
	if p.deadline.IsZero() {
		p.deadline = time.Now().Add(200 * time.Millisecond)
	}
	p.desk.Deliver(ari.Event{
		Kind: ari.StasisStart, Channel: ari.Channel{ID: channel}, Args: args,
	})
	<-p.done
	cancel()
	<-ended
	time.Sleep(time.Minute) // whatever still plays ends
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.atDesk() // the timeout may have run out meanwhile
}

// pressAfter presses a key so long after a prompt was first played.
func (p *pbxFake) pressAfter(prompt string, wait time.Duration, key string) {
	for {
		time.Sleep(10 * time.Millisecond)
		p.mu.Lock()
		heard, gone := slices.Contains(p.played, prompt), p.left != ""
		p.mu.Unlock()
		if gone {
			return
		}
		if heard {
			break
		}
	}
	time.Sleep(wait)
	p.desk.Deliver(ari.Event{
		Kind: ari.ChannelDtmfReceived, Channel: ari.Channel{ID: channel}, Digit: key,
	})
}
