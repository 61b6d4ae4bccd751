package ari

import (
	"slices"
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
	Name    string
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

// phoneDigits is the shortest run of digits in the name of a channel that may be a telephone number
// rather than an extension.
const phoneDigits = 6

// named are the technologies whose channels are named after an endpoint of the configuration, which
// is no secret. All others may have a number of the outside world in their names: Local/NUMBER@out,
// DAHDI/i1/NUMBER, OOH323/NUMBER.
var named = []string{"PJSIP/", "SIP/", "IAX2/"}

// MaskName hides telephone numbers in the name of a channel, as in Local/3331234567@out-00000003;1:
// in each long run of digits all but the last two become x. What Asterisk adds after the last dash
// makes the name unique and stays.
func MaskName(name string) string {
	if slices.ContainsFunc(named, func(t string) bool { return strings.HasPrefix(name, t) }) {
		return name
	}
	end := strings.LastIndexByte(name, '-')
	if end < 0 {
		end = len(name)
	}
	return MaskDigits(name[:end]) + name[end:]
}

// separators may stand between the digits of one number.
const separators = "- ()"

// MaskDigits hides telephone numbers in a text: in each long run of digits, also of digits with
// separators between them, all but the last two become x.
func MaskDigits(text string) string {
	b := []byte(text)
	for i := 0; i < len(b); i++ {
		var digits []int // where they stand
		j := i
		for ; j < len(b) && (isDigit(b[j]) || len(digits) > 0 && strings.IndexByte(separators, b[j]) >= 0); j++ {
			if isDigit(b[j]) {
				digits = append(digits, j)
			}
		}
		if n := len(digits); n >= phoneDigits {
			for _, k := range digits[:n-2] {
				b[k] = 'x'
			}
		}
		i = max(i, j-1)
	}
	return string(b)
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
