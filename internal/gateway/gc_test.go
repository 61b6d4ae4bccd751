package gateway

import "testing"

func TestGCPercentGivesABoundedAmountOfMemory(t *testing.T) {
	for inUse, want := range map[uint64]int{
		0: 400, 4 << 20: 400, 32 << 20: 400, 64 << 20: 200, 100 << 20: 128, 128 << 20: 100, 4 << 30: 100,
	} {
		if got := gcPercent(inUse); got != want {
			t.Errorf("%d MiB in use: %d %%, want %d", inUse>>20, got, want)
		}
	}
}
