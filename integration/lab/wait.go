package lab

import (
	"context"
	"fmt"
	"time"
)

// pollEvery is how often Until looks.
const pollEvery = 50 * time.Millisecond

// Until looks again and again until ok returns nil, and fails with its last error after the timeout.
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
