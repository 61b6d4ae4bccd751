package gateway

import (
	"testing"
	"time"
)

func TestRefusalsFillNoLog(t *testing.T) {
	var r refusals
	noon := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	lines, refused := 0, 0
	for i := range 10_000 { // a minute and 40 s
		if n, due := r.due(evLoginRefused, noon.Add(time.Duration(i)*10*time.Millisecond)); due {
			lines++
			refused += n
		}
	}
	if lines != 2 || refused != 6001 {
		t.Errorf("%d lines about %d refusals, want 2 about 6,001", lines, refused)
	}
	if n, due := r.due(evListenerFailed, noon); !due || n != 1 {
		t.Errorf("another event: %d, %v; want a line of its own", n, due)
	}
}
