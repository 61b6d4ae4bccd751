package ari

import (
	"strings"
	"time"

	"github.com/risposta/gateway/metering"
)

// ChannelID is Asterisk's unique id of a channel, such as "pbx1-1795427174.114". It is unique
// across PBXs only where systemname is set in asterisk.conf.
type ChannelID string

// Channel is what counts of Asterisk's channel snapshot.
type Channel struct {
	ID      ChannelID
	Name    string // without telephone numbers: see [MaskName]
	State   string // Down, Ring, Ringing, Up, ... as Asterisk writes it
	Context string
	Exten   string
	App     string
	AppData string
	Created time.Time // zero where it is not given
	// Caller is the number of the party at the far end of this channel. It is never printed: see
	// [metering.Number].
	Caller metering.Number
}

// Up reports whether the channel is answered.
func (c Channel) Up() bool { return c.State == "Up" }

// Endpoint is the part of a channel's name that a configuration knows: "PJSIP/agent1" of
// "PJSIP/agent1-00000009".
func (c Channel) Endpoint() string {
	if i := strings.LastIndexByte(c.Name, '-'); i > 0 {
		return c.Name[:i]
	}
	return c.Name
}

const localPrefix = "Local/"

// LocalHalf reports whether the channel is half of a Local channel, and returns the name of the
// pair and the half, 1 or 2. Asterisk names the halves Local/exten@context-00000000;1 and ;2. The
// name of the pair is masked as in evidence, so that a graph restored from evidence finds the same
// pair.
func (c Channel) LocalHalf() (pair string, half int, ok bool) {
	if !strings.HasPrefix(c.Name, localPrefix) {
		return "", 0, false
	}
	name := MaskName(c.Name)
	if pair, ok := strings.CutSuffix(name, ";1"); ok {
		return pair, 1, true
	}
	if pair, ok := strings.CutSuffix(name, ";2"); ok {
		return pair, 2, true
	}
	return "", 0, false
}
