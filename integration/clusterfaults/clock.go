package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/risposta/gateway/integration/lab"
)

// Clocks of machines that are apart. libfaketime does not reach a Go program, which asks the kernel
// itself: the program is built with a package time whose wall clock is ahead by an environment variable.
// The boot clock, by which time is measured, stays.

// aheadVariable has by how many seconds.
const aheadVariable = "LAB_CLOCK_AHEAD"

const (
	clockRead    = "sec, nsec, mono := runtimeNow()\n"
	clockShifted = clockRead + "\tsec += labAhead\n"
	clockOffset  = `
// labAhead is by how many seconds the wall clock is ahead.
var labAhead = func() int64 {
	text, _ := syscall.Getenv("` + aheadVariable + `")
	n, err := atoi(text)
	if err != nil {
		return 0
	}
	return int64(n)
}()
`
)

// buildShifted builds risposta with such a clock into a folder. It runs in the repository's.
func buildShifted(ctx context.Context, dir string) (binary string, err error) {
	root, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return "", fmt.Errorf("looking for Go: %w", err)
	}
	path := filepath.Join(strings.TrimSpace(string(root)), "src", "time", "time.go")
	source, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	// The first reading is that of Now; Since and Until measure by the boot clock.
	text := strings.Replace(string(source), clockRead, clockShifted, 1)
	text = strings.Replace(text, "import (\n", "import (\n\t\"syscall\"\n", 1) + clockOffset
	if !strings.Contains(text, clockShifted) {
		return "", fmt.Errorf("%s has no %q", path, clockRead)
	}
	changed, overlay := filepath.Join(dir, "time.go"), filepath.Join(dir, "overlay.json")
	list, err := json.Marshal(map[string]map[string]string{"Replace": {path: changed}})
	if err == nil {
		err = os.WriteFile(changed, []byte(text), 0o600)
	}
	if err == nil {
		err = os.WriteFile(overlay, list, 0o600)
	}
	if err != nil {
		return "", err
	}
	binary = filepath.Join(dir, "risposta")
	out, err := exec.CommandContext(ctx, "go", "build", "-overlay", overlay, "-o", binary, "./cmd/gateway").
		CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("building risposta with a clock that can be set: %w: %s", err, out)
	}
	return binary, nil
}

// setClocks has the clock of each machine differ: taps and meters from each other, and the PBXs from
// their taps.
func (s *testRun) setClocks() {
	apart := []time.Duration{4 * time.Minute, -7 * time.Minute}
	for i, p := range s.cluster.Taps {
		setClock(p, apart[i%2])
	}
	for i, p := range s.cluster.Meters {
		setClock(p, apart[i%2]/2)
	}
	for i, p := range s.pbxs {
		p.SetClock(-apart[i%2] / 3)
	}
}

func setClock(p *lab.Part, ahead time.Duration) {
	p.Setenv(aheadVariable, strconv.Itoa(int(ahead.Seconds())))
}
