package ari_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/risposta/gateway/ari"
)

// beat is one heartbeat: the PBX's clock is ahead of the boot clock by an offset when it stamps.
type beat struct {
	sent, stamped, arrived time.Duration // by the boot clock
	offset                 time.Duration
}

var epoch = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

func (b beat) at() time.Time { return epoch.Add(b.stamped + b.offset).Truncate(time.Millisecond) }

// steps feeds heartbeats and counts how often the clock was found set forward; each time the watch
// begins anew, as it does with a new snapshot.
func steps(beats []beat) (found int) {
	var c ari.Clock
	for _, b := range beats {
		if c.SetForward(b.at(), b.arrived) {
			found++
			c.Restart()
		}
		c.Heartbeat(b.at(), b.sent, b.arrived)
	}
	return found
}

// every makes a heartbeat a second for so many seconds, each a millisecond on its way in both
// directions; offset says how far the PBX's clock is ahead at each.
func every(seconds int, offset func(second int) time.Duration) (beats []beat) {
	for s := range seconds {
		sent := time.Duration(s) * time.Second
		stamped := sent + time.Millisecond
		beats = append(beats, beat{sent: sent, stamped: stamped, arrived: stamped + time.Millisecond, offset: offset(s)})
	}
	return beats
}

func TestClockSetForwardIsNoticed(t *testing.T) {
	const hour = time.Hour
	after := func(second int, d time.Duration) func(int) time.Duration {
		return func(s int) time.Duration {
			if s >= second {
				return d
			}
			return 0
		}
	}
	for name, c := range map[string]struct {
		offset func(int) time.Duration
		want   int
	}{
		"steady":                    {func(int) time.Duration { return hour }, 0},
		"an hour":                   {after(30, hour), 1},
		"thirty milliseconds":       {after(30, 30*time.Millisecond), 1},
		"back":                      {after(30, -hour), 0},
		"within the kernel's drift": {func(s int) time.Duration { return time.Duration(s) * 400 * time.Microsecond }, 0},
		"small steps that add up":   {func(s int) time.Duration { return time.Duration(s) * 10 * time.Millisecond }, 19},
		"back for a second, then forward": {func(s int) time.Duration {
			if s == 30 || s == 31 {
				return -10 * time.Minute
			}
			return 0
		}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			if got := steps(every(60, c.offset)); got != c.want {
				t.Errorf("noticed %d times, want %d", got, c.want)
			}
		})
	}
}

// Delays of any length, in both directions, are no step of the clock.
func TestClockDelaysRaiseNoAlarm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Duration(0)
		delay := rapid.Custom(func(t *rapid.T) time.Duration {
			return time.Duration(rapid.IntRange(0, 5000).Draw(t, "ms")) * time.Millisecond
		})
		var beats []beat
		for range rapid.IntRange(1, 100).Draw(t, "beats") {
			b := beat{sent: now, offset: time.Hour}
			b.stamped = b.sent + delay.Draw(t, "request")
			b.arrived = b.stamped + delay.Draw(t, "frame")
			beats = append(beats, b)
			now = b.arrived + delay.Draw(t, "pause")
		}
		if n := steps(beats); n != 0 {
			t.Fatalf("delays were taken for %d steps of the clock", n)
		}
	})
}

// Whatever the clock does, time by it runs ahead of true time by no more than the tolerance, the
// width of the bounds and the drift, before that is noticed.
func TestClockNeverRunsFarAheadUnnoticed(t *testing.T) {
	const roundTrip = 2 * time.Millisecond
	rapid.Check(t, func(t *rapid.T) {
		var c ari.Clock
		offset, lowest := time.Duration(0), time.Duration(0)
		for s := range rapid.IntRange(2, 300).Draw(t, "seconds") {
			offset += time.Duration(rapid.IntRange(-40, 60).Draw(t, "step ms")) * time.Millisecond
			sent := time.Duration(s) * time.Second
			b := beat{sent: sent, stamped: sent + roundTrip/2, arrived: sent + roundTrip, offset: offset}
			if c.SetForward(b.at(), b.arrived) {
				c.Restart()
				lowest = offset
			}
			c.Heartbeat(b.at(), b.sent, b.arrived)
			if s == 0 {
				lowest = offset
			}
			lowest = min(lowest, offset)
			allowed := 20*time.Millisecond + roundTrip + time.Millisecond + sent*500/1_000_000
			if ahead := offset - lowest; ahead > allowed {
				t.Fatalf("after %s the clock is %s ahead of its lowest, %s allowed", sent, ahead, allowed)
			}
		}
	})
}
