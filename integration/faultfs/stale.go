package faultfs

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// sourcePrefix begins the name of each mount's source; the id of the process that serves it follows.
const sourcePrefix = "faultfs-"

func sourceName() string { return sourcePrefix + strconv.Itoa(os.Getpid()) }

// RemoveStale unmounts what processes have left that were killed, and returns where. It asks no file
// system whether it still lives: one whose process stands still would not answer.
func RemoveStale() (points []string, err error) {
	const table = "/proc/self/mountinfo"
	text, err := os.ReadFile(table)
	if err != nil {
		return nil, fmt.Errorf("looking for stale mounts: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		point, stale := staleMount(line)
		if !stale {
			continue
		}
		if uerr := unmount(point); uerr != nil {
			err = errors.Join(err, fmt.Errorf("unmounting %s, whose process has ended: %w", point, uerr))
			continue
		}
		points = append(points, point)
	}
	return points, err
}

// staleMount reads a line of mountinfo: proc(5). Its spaces are written as \040.
func staleMount(line string) (point string, stale bool) {
	mount, file, _ := strings.Cut(line, " - ")
	fields, source := strings.Fields(mount), strings.Fields(file)
	if len(fields) < 5 || len(source) < 2 {
		return "", false
	}
	pid, ours := strings.CutPrefix(source[1], sourcePrefix)
	if _, err := strconv.Atoi(pid); !ours || err != nil {
		return "", false
	}
	_, err := os.Stat("/proc/" + pid)
	return strings.ReplaceAll(fields[4], `\040`, " "), errors.Is(err, os.ErrNotExist)
}

// unmount detaches a mount point, as root by itself, else by what FUSE brings for that.
func unmount(point string) error {
	err := syscall.Unmount(point, syscall.MNT_DETACH)
	for _, command := range []string{"fusermount3", "fusermount"} {
		if err != nil {
			if cerr := exec.Command(command, "-u", "-z", point).Run(); cerr == nil {
				return nil
			}
		}
	}
	return err
}
