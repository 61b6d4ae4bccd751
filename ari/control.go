package ari

import (
	"context"
	"errors"
	"time"

	"github.com/risposta/gateway/metering"
)

// ErrNotFound says that the PBX does not know what a request names, such as a channel that has
// ended.
var ErrNotFound = errors.New("the PBX does not know it (404)")

// Control asks one PBX, and acts on its channels. Every method honours ctx and has a timeout of its
// own besides. An error means that the PBX could not be reached in time, or that it refused: for a
// channel most often because the channel has ended or has left our application. A request that
// failed by timeout may still take effect.
type Control interface {
	// Info returns who the PBX is.
	Info(ctx context.Context) (Info, error)
	// Snapshot lists the channels and bridges that exist, with At and Node zero: the lists carry no
	// time. It fails where the PBX does not send this client the events of all channels, for then
	// the lists would go out of date unnoticed.
	Snapshot(ctx context.Context) (*Snapshot, error)
	// Lists lists the channels and bridges that exist, as Snapshot does, without asking about holds.
	Lists(ctx context.Context) (*Snapshot, error)
	// Probe asks about one channel or one conference. It does not fail: what the PBX does not answer is
	// unknown in the answer.
	Probe(ctx context.Context, r ProbeRequest) ProbeAnswer
	// Attestation is who vouches for the number of a channel's far end by a signature that the PBX has
	// verified. It waits until the PBX has, at most some seconds. It does not fail: where the PBX does
	// not answer, the attestation is unknown.
	Attestation(ctx context.Context, ch ChannelID) metering.Attestation
	// Heartbeat makes the PBX send the nth [Heartbeat] event to this client, after every event before
	// it.
	Heartbeat(ctx context.Context, n uint64) error

	// Play starts playing media (such as "sound:tt-weasels") in a language on a channel and returns
	// at once. PlaybackFinished with this playback id reports the end.
	Play(ctx context.Context, ch ChannelID, playback, language, media string) error
	// SetVariable sets a variable, or a function such as TIMEOUT(absolute), of a channel.
	SetVariable(ctx context.Context, ch ChannelID, name, value string) error
	// Continue sends a channel that is in our application on in the dialplan.
	Continue(ctx context.Context, ch ChannelID) error
	// HangUp ends a channel.
	HangUp(ctx context.Context, ch ChannelID) error
}

// Info is what a PBX reports of itself.
type Info struct {
	Node       string // asterisk_id: entityid of asterisk.conf, else a MAC address
	SystemName string // systemname of asterisk.conf; "" where it is not set
	Version    string
	Started    time.Time // when this Asterisk was started: events it keeps for a client are lost then
}
