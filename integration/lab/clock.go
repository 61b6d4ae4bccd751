package lab

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Clock is the clock of one Asterisk, which can be set (libfaketime). The boot clock and all other
// processes keep theirs.
type Clock struct{ file string }

// NewClock makes a clock that shows this machine's time, with its file in dir. options are what
// `docker run` needs for it.
func NewClock(dir string) (c *Clock, options []string, err error) {
	found, err := filepath.Glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
	if err != nil || len(found) == 0 {
		return nil, nil, errors.Join(errors.New("libfaketime is not installed: run `make setup`"), err)
	}
	// A folder of its own, which the container's user must read.
	dir = filepath.Join(dir, "clock")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, nil, err
	}
	c = &Clock{file: filepath.Join(dir, "offset")}
	return c, []string{
		"--volume", found[0] + ":/libfaketime.so:ro", "--volume", dir + ":/clock:ro",
		"--env", "LD_PRELOAD=/libfaketime.so", "--env", "FAKETIME_TIMESTAMP_FILE=/clock/offset",
		"--env", "FAKETIME_NO_CACHE=1", "--env", "FAKETIME_DONT_FAKE_MONOTONIC=1",
	}, c.SetAhead(0)
}

// SetAhead sets the clock ahead of this machine's.
func (c *Clock) SetAhead(by time.Duration) error {
	return os.WriteFile(c.file, fmt.Appendf(nil, "%+.3f\n", by.Seconds()), 0o644)
}
