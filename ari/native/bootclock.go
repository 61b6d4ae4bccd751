package native

import (
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// BootClock is the time since the machine was started, sleep included: the only clock that cannot
// be set and that goes on while the gateway restarts.
func BootClock() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		panic("native: this machine has no boot clock: " + err.Error()) // every Linux since 2.6.39 has
	}
	return time.Duration(ts.Nano())
}

// bootID identifies this start of the machine: only under one id can two readings of BootClock be
// compared.
func bootID() (string, error) {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(id)), err
}
