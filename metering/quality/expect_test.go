package quality_test

import (
	"testing"
	"time"

	"github.com/risposta/gateway/metering/quality"
)

// Nothing is told from too few answers, nor from old ones. Otherwise each place in the queue takes
// what it took on average.
func TestExpectedWait(t *testing.T) {
	now := arrival
	var w quality.Waits
	expect := func(ahead int, want time.Duration) {
		t.Helper()
		if got, ok := w.Expect(now, ahead); got != want || ok != (want != 0) {
			t.Errorf("behind %d: %s, %v; want %s", ahead, got, ok, want)
		}
	}
	expect(0, 0)
	w.Answered(now, 30*time.Second, 0) // 30 s for one place
	w.Answered(now, time.Minute, 1)    // 30 s for each of two
	expect(0, 0)
	w.Answered(now, 4*time.Minute, 3) // 60 s for each of four
	expect(0, 40*time.Second)
	expect(2, 2*time.Minute)
	expect(-1, 40*time.Second)
	now = now.Add(59*time.Minute + 59*time.Second)
	expect(0, 40*time.Second)
	now = now.Add(time.Second)
	expect(0, 0)
	for range 100 { // the latest ones count, however many there are
		w.Answered(now, 10*time.Second, 0)
	}
	expect(0, 10*time.Second)
	w.Answered(now, -time.Second, 0) // clocks step back
	expect(0, 10*time.Second*31/32)
}
