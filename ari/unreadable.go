package ari

import (
	"errors"
	"fmt"
	"regexp"
)

// Unreadable is a frame that could not be read, and what its bytes still give away.
type Unreadable struct {
	Bytes    int         // the frame's length
	Type     string      // the event type, where it could be salvaged
	Channels []ChannelID // unique ids that the bytes name, at most maxSalvaged
	Err      error
}

// maxSalvaged bounds the ids taken from a broken frame: no event names more legs than a transfer does.
const maxSalvaged = 8

// salvageWindow bounds the bytes that are searched: ids and type stand at the front of every frame Asterisk makes.
const salvageWindow = 64 << 10

func (u *Unreadable) Error() string {
	return fmt.Sprintf("unreadable frame of %d bytes, type %q: %v", u.Bytes, u.Type, u.Err)
}

func (u *Unreadable) Unwrap() error { return u.Err }

// Doubtful tells whether the frame may have said something about who talks with whom. If it named no channel, or is of a
// kind that never says such a thing, nothing is in doubt.
func (u *Unreadable) Doubtful() bool { return len(u.Channels) > 0 && !harmless[u.Type] }

// ErrTooLong is why an oversized frame counts as unreadable.
var ErrTooLong = errors.New("longer than the limit of one frame")

var (
	typeInBytes = regexp.MustCompile(`"type"\s*:\s*"([A-Za-z.]{1,64})"`)
	idInBytes   = regexp.MustCompile(`"id"\s*:\s*"([^"\\]{1,150})"`)
)

// TooLong makes the Unreadable of a frame of which only the front was kept.
func TooLong(front []byte, total int) *Unreadable {
	u := unreadable(front, "", ErrTooLong)
	u.Bytes = total
	return u
}

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
