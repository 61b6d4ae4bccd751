// Package frontdesk speaks with callers before and after they wait: Stasis(risposta,announce) and Stasis(risposta,survey) in the dialplan.
//
// In: the PBX's events about callers who stand at the desk; from the backend, what each is to be told. Out: prompts played in early media, the dialplan
// variable RISPOSTA (priced, free, refused), and an Announcement for the meter: what was told, until when, and whether the caller agreed. Then the caller goes on
// in the dialplan.
//
// It never keeps a caller. The dialplan sets an absolute timeout of 200 ms before it comes here, and the desk prolongs it step by step, a few seconds at a
// time: whenever the gateway is gone, slow or stuck, Asterisk itself goes on, and the call is free, for nothing was told. It never answers a channel, never
// decides a price, and writes to no ledger.
package frontdesk

import (
	"context"
	"sync"
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/metering"
)

// Control is what the desk does to a caller's channel. An error means that it could not be done, most often because the caller has left the desk; each
// method honours ctx.
type Control interface {
	// Play plays a sound in a language, and returns at once; PlaybackFinished tells the end.
	Play(ctx context.Context, ch ari.ChannelID, playback, language, media string) error
	// Set sets a variable, or a function such as TIMEOUT(absolute), of the channel.
	Set(ctx context.Context, ch ari.ChannelID, name, value string) error
	// Continue sends the channel on in the dialplan.
	Continue(ctx context.Context, ch ari.ChannelID) error
	// HangUp ends the channel.
	HangUp(ctx context.Context, ch ari.ChannelID) error
}

// Offer is what a caller is to be told.
type Offer struct {
	Free      bool   // the caller is exempt, or the service has no price
	Tariff    string // the reference of the price, for the Announcement
	PerMinute string // decimal text in major units
	Currency  string // ISO 4217: names the prompts of the money
	Consent   bool   // the caller must agree
	Codes     bool   // exemption codes can be checked
}

// Backend knows calls. Its methods are called by many goroutines at once.
type Backend interface {
	// Offer says what the caller of this call is to be told. It waits a moment for the call to be known, and for whether its caller is exempt; false: no such call.
	Offer(ctx context.Context, call metering.CallID) (Offer, bool)
	// Code tells whether an exemption code is valid for this call. If it is, the meter has been told when Code returns.
	Code(ctx context.Context, call metering.CallID, code string) bool
	// Admit tells the meter what the caller was told. It has been queued, before anything that the call does next, when Admit returns.
	Admit(ctx context.Context, call metering.CallID, a metering.Announcement) error
}

// Observer is told what becomes of callers at the desk; it must return at once.
type Observer interface {
	// Left: a caller has left the desk: announce or survey, and with what result.
	Left(service, result string)
}

// Config is the desk's.
type Config struct {
	Language       string // where the dialplan names none
	HangUpRefusers bool   // a caller who does not agree to the price: hang up, rather than go on free
}

// The bounds of the desk.
const (
	maxSessions = 1024 // callers at once; one more goes on, free
	maxPending  = 64   // events that wait for one caller's goroutine; keys beyond them are lost
)

// Desk serves the callers of one PBX.
type Desk struct {
	cfg     Config
	control Control
	backend Backend
	obs     Observer

	mu        sync.Mutex
	ctx       context.Context // of Run; nil before and after
	sessions  map[ari.ChannelID]*session
	playbacks map[string]*session
	wg        sync.WaitGroup
}

// New makes a desk. It serves from Run on.
func New(cfg Config, control Control, backend Backend, obs Observer) *Desk {
	return &Desk{cfg: cfg, control: control, backend: backend, obs: obs, sessions: map[ari.ChannelID]*session{}, playbacks: map[string]*session{}}
}

// Run serves until ctx ends, and then lets every caller go on.
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

// Wants tells whether the desk is interested in events of this kind.
func Wants(k ari.Kind) bool {
	switch k {
	case ari.StasisStart, ari.StasisEnd, ari.ChannelDtmfReceived, ari.PlaybackFinished, ari.ChannelDestroyed:
		return true
	default:
		return false
	}
}

// Take takes in an event, at once. Nothing here waits: it is called between the socket and the reader of events.
func (d *Desk) Take(ev ari.Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch ev.Kind {
	case ari.StasisStart:
		if d.ctx != nil && d.sessions[ev.Channel.ID] == nil && len(d.sessions) < maxSessions {
			d.welcome(ev)
		}
	case ari.PlaybackFinished:
		d.playbacks[ev.Playback].tell(ev)
	case ari.ChannelDtmfReceived:
		d.sessions[ev.Channel.ID].tell(ev)
	case ari.StasisEnd, ari.ChannelDestroyed:
		d.sessions[ev.Channel.ID].leave()
	default:
	}
}

// welcome starts serving a caller, under the lock.
func (d *Desk) welcome(ev ari.Event) {
	ctx, leave := context.WithCancel(d.ctx)
	g := &session{desk: d, ch: ev.Channel.ID, language: d.cfg.Language, events: make(chan ari.Event, maxPending), left: leave}
	if len(ev.Args) > 1 && ev.Args[1] != "" {
		g.language = ev.Args[1]
	}
	service := ""
	if len(ev.Args) > 0 {
		service = ev.Args[0]
	}
	d.sessions[g.ch] = g
	d.wg.Go(func() {
		defer leave()
		result := g.serve(ctx, service)
		d.mu.Lock()
		delete(d.sessions, g.ch)
		d.mu.Unlock()
		d.obs.Left(service, result)
	})
}

// within bounds one request about a caller, also after the gateway has been told to end: then the caller is sent on.
func within(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), requestTimeout)
}

const requestTimeout = 2 * time.Second
