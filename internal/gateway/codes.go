package gateway

import (
	"sync"
	"time"

	"github.com/risposta/gateway/metering"
)

// codeTries bounds the wrong exemption codes of one caller, and of all callers on one trunk, within an
// hour: ten digits could be guessed by a machine that goes on calling. Right codes are not counted.
type codeTries struct {
	mu     sync.Mutex
	began  time.Time               // of the hour
	trunk  map[string]int          // bounded by maxTrunks
	caller map[metering.Number]int // bounded by the tries on all trunks
}

const (
	codeHour = time.Hour
	// maxCallerTries leaves a caller three calls with the front desk's three tries each.
	maxCallerTries = 9
	// maxTrunkTries is more than callers mistype. At this pace it takes 19 years of calling to guess one
	// of a thousand codes of ten digits.
	maxTrunkTries = 60
)

// count counts a try. It returns false where a bound forbids the try, and whose: "caller" or "trunk".
// A caller without a number has the bound of the trunk alone.
func (t *codeTries) count(c deskCall, now time.Time) (whose string, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.renew(now)
	switch {
	case !c.number.Withheld() && t.caller[c.number] >= maxCallerTries:
		return "caller", false
	case t.trunk[t.trunkOf(c)] >= maxTrunkTries:
		return "trunk", false
	}
	t.add(c, 1)
	return "", true
}

// right takes a try back that was not wrong.
func (t *codeTries) right(c deskCall) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.add(c, -1)
}

func (t *codeTries) add(c deskCall, n int) {
	trunk := t.trunkOf(c)
	t.trunk[trunk] = max(0, t.trunk[trunk]+n) // the hour may have ended in between
	if !c.number.Withheld() {
		t.caller[c.number] = max(0, t.caller[c.number]+n)
	}
}

func (t *codeTries) renew(now time.Time) {
	if since := now.Sub(t.began); since < 0 || since >= codeHour {
		t.began, t.trunk, t.caller = now, map[string]int{}, map[metering.Number]int{}
	}
}

// trunkOf is the trunk whose bound a call has: beyond maxTrunks all have one together.
func (t *codeTries) trunkOf(c deskCall) string {
	if _, known := t.trunk[c.trunk]; !known && len(t.trunk) >= maxTrunks {
		return otherTrunk
	}
	return c.trunk
}
