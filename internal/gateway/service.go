package gateway

import (
	"context"
	"fmt"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"go.uber.org/zap"
)

// notify tells the service manager a state, where one started the gateway (sd_notify(3)).
func (d *Gateway) notify(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		d.log.Warn(evNotNotified, zap.Error(err))
	}
}

// watchdogShare is how many beats the service manager gets in the time in which it expects one.
const watchdogShare = 3

// watchdog sends a beat each time that every worker's loop has come round, until ctx ends. A worker
// that hangs, in a commit that does not return or in a frame, stops the beats, and systemd starts
// the gateway again. One that retries a commit does not hang: a new start would not mend the disk.
func (d *Gateway) watchdog(ctx context.Context) error {
	expected, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		return fmt.Errorf("reading the service manager's watchdog time: %w", err)
	}
	if expected == 0 {
		return nil
	}
	ticker := time.NewTicker(expected / watchdogShare)
	defer ticker.Stop()
	for {
		for _, w := range d.sites.workers() {
			select {
			case w.beat <- struct{}{}: // its loop takes it
			case <-w.ended:
			case <-ctx.Done():
				return nil
			}
		}
		d.notify(daemon.SdNotifyWatchdog)
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}
