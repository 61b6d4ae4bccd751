package ari

import (
	"errors"
	"fmt"
	"regexp"
)

// Unreadable is a frame that could not be read, and what its bytes still show.
type Unreadable struct {
	Bytes    int         // length of the frame
	Type     string      // the event type; "" where it could not be salvaged
	Channels []ChannelID // unique ids that the bytes name, at most maxSalvaged
	Err      error
}

const (
	// maxSalvaged bounds the ids taken from a broken frame: no event names more legs than a transfer
	// does.
	maxSalvaged = 8
	// salvageWindow bounds the bytes that are searched: in every frame of Asterisk's, ids and type
	// stand at the front.
	salvageWindow = 64 << 10
)

// harmless are the frequent types that say nothing about who talks with whom. A broken frame of
// these puts nothing in doubt.
var harmless = map[string]bool{
	"ApplicationRegistered": true, "ChannelCallerId": true, "ChannelConnectedLine": true,
	"ChannelDtmfReceived": true, "ChannelTalkingFinished": true, "ChannelTalkingStarted": true,
	"ChannelUserevent": true, "ChannelVarset": true, "ContactStatusChange": true,
	"DeviceStateChanged": true, "EndpointStateChange": true, "PeerStatusChange": true,
	"PlaybackFinished": true, "PlaybackStarted": true, "RecordingFinished": true,
	"RecordingStarted": true, "StasisEnd": true, "StasisStart": true,
}

// Error names the frame by its length and type: its bytes may hold a number.
func (u *Unreadable) Error() string {
	return fmt.Sprintf("unreadable frame of %d bytes, type %q: %v", u.Bytes, u.Type, u.Err)
}

// Unwrap returns why the frame could not be read.
func (u *Unreadable) Unwrap() error { return u.Err }

// Doubtful reports whether the frame may have said something about who talks with whom. A frame
// that names no channel, or of a type that never says such a thing, puts nothing in doubt.
func (u *Unreadable) Doubtful() bool { return len(u.Channels) > 0 && !harmless[u.Type] }

// ErrTooLong is why an oversized frame counts as unreadable.
var ErrTooLong = errors.New("longer than the limit of one frame")

// Inside a JSON string these cannot match: the quotes of its content are escaped.
var (
	typeInBytes = regexp.MustCompile(`"type"\s*:\s*"([A-Za-z.]{1,64})"`)
	idInBytes   = regexp.MustCompile(`"id"\s*:\s*"([^"\\]{1,150})"`)
)

// TooLong makes the Unreadable of a frame of total bytes of which only the front was kept.
func TooLong(front []byte, total int) *Unreadable {
	u := unreadable(front, "", ErrTooLong)
	u.Bytes = total
	return u
}

// unreadable salvages what it can. typ is "" where the frame broke before its type.
func unreadable(frame []byte, typ string, err error) *Unreadable {
	window := frame[:min(len(frame), salvageWindow)]
	u := &Unreadable{Bytes: len(frame), Type: typ, Err: err}
	if u.Type == "" {
		if m := typeInBytes.FindSubmatch(window); m != nil {
			u.Type = string(m[1])
		}
	}
	for _, m := range idInBytes.FindAllSubmatch(window, maxSalvaged) {
		u.Channels = append(u.Channels, ChannelID(m[1]))
	}
	return u
}
