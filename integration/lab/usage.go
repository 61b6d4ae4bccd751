package lab

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Usage is what a process has used since its start.
type Usage struct {
	CPU     time.Duration // in user and system mode
	Written int64         // bytes that it caused to be written to disk
	WakeUps int64         // times that one of its threads, of those that live, waited and was woken
}

// Since is what was used since an earlier reading.
func (u Usage) Since(before Usage) Usage {
	return Usage{
		CPU: u.CPU - before.CPU, Written: u.Written - before.Written,
		WakeUps: u.WakeUps - before.WakeUps,
	}
}

// UsageOf reads what a process of this user has used.
func UsageOf(pid int) (u Usage, err error) {
	if u.CPU, err = CPUOf(pid); err != nil {
		return u, err
	}
	if u.Written, err = field(fmt.Sprintf("/proc/%d/io", pid), "write_bytes"); err != nil {
		return u, err
	}
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	if err != nil {
		return u, err
	}
	for _, status := range threads {
		n, err := field(status, "voluntary_ctxt_switches")
		if err != nil {
			return u, err
		}
		u.WakeUps += n
	}
	return u, nil
}

// field reads a number from a file of lines such as "name: 12".
func field(path, name string) (int64, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return strconv.ParseInt(strings.TrimSpace(value), 10, 64)
		}
	}
	return 0, fmt.Errorf("%s has no %s", path, name)
}

// clockTick is the unit of /proc/PID/stat: 100 a second on every Linux that Go runs on.
const clockTick = 10 * time.Millisecond

// CPUOf is the CPU time that a process has used, in user and system mode.
func CPUOf(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), ") ") // the command's name may hold blanks
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat has %d fields behind the name", pid, len(fields))
	}
	user, err := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * clockTick, errors.Join(err, err2)
}
