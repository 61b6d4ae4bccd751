package native

import (
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// bootClock is the time since the machine was started, sleep included: the only clock that cannot
// be set and that goes on while the gateway restarts.
func bootClock() (time.Duration, error) {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return 0, err
	}
	return time.Duration(ts.Nano()), nil
}

// bootID identifies this start of the machine: only under one id can two readings of bootClock be
// compared.
func bootID() (string, error) {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(id)), err
}
