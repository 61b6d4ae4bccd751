package native

import (
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// BootClock is the time since the machine was started, sleep included: the only clock that nobody sets, and that a restart of the gateway survives.
func BootClock() (time.Duration, error) {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return 0, err
	}
	return time.Duration(ts.Nano()), nil
}

// BootID names this start of the machine: two readings of BootClock can be compared only under one.
func BootID() (string, error) {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(id)), err
}
