// Package frontdesk is the Stasis application that talks with callers before and after they wait:
// Stasis(risposta,text), Stasis(risposta,announce) and Stasis(risposta,survey) in the dialplan.
//
// In: the PBX's events about callers at the desk ([Desk.Deliver]); from the [Backend], what each
// call costs and how long the wait is expected to be. Out, through [Control]: prompts played in
// early media and the dialplan variable RISPOSTA (priced, free, refused, unannounced), or
// RISPOSTA_TEXT with the same as a text. To the meter, through the Backend: an announcement with the
// price, when it ended, and whether the caller agreed. Then the caller continues in the dialplan.
//
// It never keeps a caller waiting for the gateway. The dialplan sets an absolute timeout of 200 ms
// before it comes here, and the desk extends it step by step, a few seconds at a time. It never
// clears it: the dialplan does, once the caller is out of Stasis(). Where the gateway is gone, slow
// or stuck, Asterisk itself goes on, and the call is free: nothing was announced. It never answers a
// channel, never decides a price, and never writes to a ledger.
package frontdesk

import (
	"context"
	"sync"
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/metering"
)

// Control is the part of [ari.Control] that the desk uses. An error means that the command was not
// carried out, most often because the caller has left the desk. Each method honours ctx.
type Control interface {
	// Play starts playing media in a language, and returns at once; PlaybackFinished reports the end.
	Play(ctx context.Context, ch ari.ChannelID, playback, language, media string) error
	// SetVariable sets a variable, or a function such as TIMEOUT(absolute), of the channel.
	SetVariable(ctx context.Context, ch ari.ChannelID, name, value string) error
	// Continue sends the channel on in the dialplan.
	Continue(ctx context.Context, ch ari.ChannelID) error
	// HangUp ends the channel.
	HangUp(ctx context.Context, ch ari.ChannelID) error
}

var _ Control = ari.Control(nil)

// Offer is what a caller hears before waiting.
type Offer struct {
	Free      bool   // the caller is exempt, or the service has no price
	Untold    bool   // the caller is exempt, and hears the price all the same: never hung up on
	Tariff    string // the reference of the price, for the Announcement
	PerMinute string // decimal text in major units
	Currency  string // ISO 4217: names the prompts of the money
	// MinorDigits is the number of decimals of the currency: 0 for yen, 2 for euros, 3 for dinars.
	MinorDigits int
	Consent     bool          // the caller must agree
	Codes       bool          // exemption codes can be checked
	TellWait    bool          // the caller is told how long the wait is expected to be
	Wait        time.Duration // that; 0: not known
}

// Backend knows the calls. Its methods are called by many goroutines at once.
type Backend interface {
	// Offer returns what the caller of this call is to hear. It waits up to a second for the call to
	// arrive and for the answer whether its caller is exempt. false: there is no such call.
	Offer(ctx context.Context, call metering.CallID) (Offer, bool)
	// SolvedFirst reports whether the survey asks first whether the matter is solved. It returns at
	// once; false for a call that it does not know.
	SolvedFirst(call metering.CallID) bool
	// CheckCode reports whether an exemption code is valid for this call. If it is, the exemption is
	// on its way to the meter when CheckCode returns.
	CheckCode(ctx context.Context, call metering.CallID, code string) bool
	// Announced passes to the meter what the caller heard. When it returns nil, that is on its way,
	// ahead of everything that the call does next. An error means that the meter will not get it.
	Announced(ctx context.Context, call metering.CallID, a metering.Announcement) error
}

// Observer receives what becomes of callers at the desk. It must return at once.
type Observer interface {
	// Left: a caller has left the desk, from text, announce or survey, with this result.
	Left(service, result string)
	// TextSent: the dialplan has sent a caller a text, with this SENDTEXTSTATUS of Asterisk's.
	TextSent(status string)
}

// Config is the desk's.
type Config struct {
	Language       string // where the dialplan names none
	HangUpRefusers bool   // hang up on a caller who refuses the price; else the call goes on free
	Slow           bool   // the slow pace
}

// The bounds of the desk.
const (
	maxSessions = 1024 // callers at once; one more goes on, free
	maxPending  = 64   // events that wait for one session; keys beyond them are lost
)

// Desk serves the callers of one PBX.
type Desk struct {
	control Control
	backend Backend
	obs     Observer

	mu        sync.Mutex
	cfg       Config
	ctx       context.Context            // of Run; nil before and after
	sessions  map[ari.ChannelID]*session // of the callers at the desk
	serving   int                        // goroutines of sessions
	playbacks map[string]*session
	wg        sync.WaitGroup
}

// New makes a desk. It serves from Run on.
func New(cfg Config, control Control, backend Backend, obs Observer) *Desk {
	return &Desk{
		cfg: cfg, control: control, backend: backend, obs: obs,
		sessions: map[ari.ChannelID]*session{}, playbacks: map[string]*session{},
	}
}

// SetConfig is in force for the callers who come from here on.
func (d *Desk) SetConfig(cfg Config) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cfg = cfg
}

// Run serves until ctx ends, and then sends every caller on in the dialplan.
func (d *Desk) Run(ctx context.Context) {
	d.mu.Lock()
	d.ctx = ctx
	d.mu.Unlock()
	<-ctx.Done()
	d.mu.Lock()
	d.ctx = nil
	d.mu.Unlock()
	d.wg.Wait()
}

// Deliver processes an event, and ignores those that do not concern the desk. It never waits: the
// source calls it between the socket and the queue.
func (d *Desk) Deliver(ev ari.Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch ev.Kind {
	case ari.StasisStart:
		if d.ctx != nil && d.sessions[ev.Channel.ID] == nil && d.serving < maxSessions {
			d.start(ev)
		}
	case ari.PlaybackFinished:
		d.playbacks[ev.Playback].deliver(ev)
	case ari.ChannelDtmfReceived:
		d.sessions[ev.Channel.ID].deliver(ev)
	case ari.StasisEnd, ari.ChannelDestroyed:
		d.sessions[ev.Channel.ID].leave()
		delete(d.sessions, ev.Channel.ID) // the caller may be back before its goroutine has ended
	default:
	}
}

// start begins a session, under the lock.
func (d *Desk) start(ev ari.Event) {
	ctx, leave := context.WithCancel(d.ctx)
	s := &session{
		desk: d, cfg: d.cfg, ch: ev.Channel.ID, language: d.cfg.Language,
		events: make(chan ari.Event, maxPending), left: leave,
	}
	if len(ev.Args) > 1 && ev.Args[1] != "" {
		s.language = ev.Args[1]
	}
	service := ""
	if len(ev.Args) > 0 {
		service = ev.Args[0]
	}
	if service == ari.AskAnnouncement && len(ev.Args) > 2 && ev.Args[2] != "" {
		d.obs.TextSent(ev.Args[2])
	}
	d.sessions[s.ch] = s
	d.serving++
	d.wg.Go(func() {
		defer leave()
		result := s.serve(ctx, service)
		d.mu.Lock()
		if d.sessions[s.ch] == s {
			delete(d.sessions, s.ch)
		}
		d.serving--
		d.mu.Unlock()
		d.obs.Left(service, result)
	})
}

// requestContext bounds one request about a caller. It outlives the end of the gateway's own
// context: the caller still has to be sent on.
func requestContext(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), requestTimeout)
}

const requestTimeout = 2 * time.Second
