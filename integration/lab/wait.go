package lab

import (
	"context"
	"fmt"
	"time"
)

// pollEvery is the interval between two checks of Until.
const pollEvery = 50 * time.Millisecond

// Until repeats ok until it returns nil. After the timeout it returns the last error of ok.
func Until(ctx context.Context, timeout time.Duration, what string, ok func() error) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		err := ok()
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("waited %s for %s: %w", timeout, what, err)
		}
	}
}
