package tap

import (
	"context"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"go.uber.org/zap"
)

// beat is taken by a loop each time that it comes round.
type beat chan struct{}

// take takes a beat that waits, in a loop that has more to do.
func (b beat) take() {
	select {
	case <-b:
	default:
	}
}

// watchdogShare is how many beats the service manager gets in the time in which it expects one.
const watchdogShare = 3

// watchdog sends the service manager a beat each time that both loops have come round, that which
// writes the journal and that which sends it, until ctx ends. One that hangs, in a disk that does not
// return, stops the beats, and systemd starts the tap again. One that retries does not hang: a new
// start would mend neither disk nor NATS.
func (t *Tap) watchdog(ctx context.Context, loops ...beat) {
	if t.beatWithin == 0 {
		return // it expects none
	}
	ticker := time.NewTicker(t.beatWithin / watchdogShare)
	defer ticker.Stop()
	for {
		for _, loop := range loops {
			select {
			case loop <- struct{}{}:
			case <-ctx.Done():
				return
			}
		}
		t.notify(daemon.SdNotifyWatchdog)
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// notify tells the service manager a state, where one started the tap (sd_notify(3)).
func (t *Tap) notify(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		t.log.Warn(evNotNotified, zap.Error(err))
	}
}
