package talkpath

import (
	"slices"
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/metering"
)

// The kinds of number of an outside leg whose number is not known. With numberUnseen its dial was
// not seen, or its number is of no known kind; with numberNone its dial was seen and named no
// number. With numberRings the number is of no known kind, and the leg has only rung so far, as the
// desk phones do that a queue calls side by side.
const (
	numberUnseen = "unknown"
	numberNone   = "none"
	numberRings  = "rings"
)

// dialNumber notes the kind of the number by which the leg is dialled. Half of a Local channel only
// enters the dialplan: the number that counts is dialled from there.
func (l *leg) dialNumber(ev *ari.Event) {
	kind := ev.NumberKind
	if kind == numberUnseen && l.number != kind && !l.up && l.bridge == nil {
		kind = numberRings
	}
	if kind != "" && l.pair == nil {
		l.number = kind
	}
	if ev.DialStatus == "PROGRESS" || ev.DialStatus == "ANSWER" { // what it plays may be heard
		l.heard()
	}
}

// numberOf is the kind of number that a leg is to the call. A phone of the operators under whom the
// call arrived is none of the outside world.
func (c *call) numberOf(l *leg) string {
	if c.operator(l.last.Endpoint()) {
		return ""
	}
	return l.number
}

// transferNumber is the kind of number that a blind transfer leads the call to.
func (c *call) transferNumber(ev *ari.Event) string {
	if ev.Kind != ari.BridgeBlindTransfer || ev.Phone != "" && c.operator(ev.Phone) {
		return ""
	}
	return ev.NumberKind
}

// heard notes that more than ringing may have come from the leg.
func (l *leg) heard() {
	if l.number == numberRings {
		l.number = numberUnseen
	}
}

// reachNumber notes that the call has reached a number of this kind.
func (c *call) reachNumber(kind string, at time.Time, out *Result) {
	if kind == "" || kind == numberNone || kind == numberRings || slices.Contains(c.numbers, kind) {
		return
	}
	c.numbers = append(c.numbers, kind)
	out.fact(metering.Fact{Kind: metering.NumberReached, Call: c.id, At: at, Why: kind})
}
