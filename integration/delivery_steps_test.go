//go:build live

package integration

import (
	"cmp"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path"
	"regexp"
	"strings"
	"sync"
	"syscall"

	"github.com/risposta/gateway/integration/faultfs"
)

// steps watches the far ends of a gateway (its disk, its connections) and names each step of a delivery
// that it sees there. At one of them it kills the process; the gateway itself has no part in it.
type steps struct {
	mu sync.Mutex
	stepsOfRun
}

// step is the nth one of its kind since the start of the gateway.
type step struct {
	kind string
	nth  int
}

// stepsOfRun are those since the start of the gateway.
type stepsOfRun struct {
	pid    int
	seen   map[string]int // how often, by kind
	sink   string         // the kind of the last step that the sink has seen
	target step           // no kind: none
	killed chan struct{}  // closed at the target
	dead   bool
}

// reset begins a run, before the gateway starts.
func (s *steps) reset(target step) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stepsOfRun = stepsOfRun{target: target, seen: map[string]int{}, killed: make(chan struct{})}
}

// started says which process is killed at the target. A step may have been seen already.
func (s *steps) started(pid int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pid = pid
	if s.dead {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// atSink is called at a step at the sink. It reports whether the gateway is dead: the step does
// then not happen any more.
func (s *steps) atSink(kind string) (dead bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.dead {
		s.sink = kind
	}
	return s.at(kind)
}

// atLedger is atSink for a step of the ledger, which is named after the sink's step before it.
func (s *steps) atLedger(name string) (dead bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.at(cmp.Or(s.sink, start) + ", then ledger " + name)
}

func (s *steps) at(kind string) (dead bool) {
	if s.dead {
		return true
	}
	s.seen[kind]++
	if s.target != (step{kind, s.seen[kind]}) {
		return false
	}
	s.dead = true
	if s.pid != 0 {
		_ = syscall.Kill(s.pid, syscall.SIGKILL)
	}
	close(s.killed)
	return true
}

// start names what comes before the sink's first step: the gateway opens the ledger, and begins the
// batch of a file there.
const start = "start"

// most is which occurrence of a kind of step at most is a target: more there may not be in each run.
const most = 3

// kinds are how often the steps of a delivery have come so far, up to most.
func (s *steps) kinds() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	kinds := map[string]int{}
	for kind, n := range s.seen {
		kinds[kind] = min(n, most)
	}
	return kinds
}

// begun reports whether the sink has seen a step.
func (s *steps) begun() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sink != ""
}

// varying are the positions and the days in the names of files.
var varying = regexp.MustCompile(`\d{12}-\d{12}|\d{4}-\d\d-\d\d`)

// onDisk is a [faultfs.Fault.Watch] of a disk with the ledger, and the folder of a sink.
func (s *steps) onDisk(c faultfs.Call) (dead bool) {
	when := map[faultfs.When]string{faultfs.Before: "before", faultfs.After: "after"}[c.When]
	name := path.Base(c.Name)
	if strings.Contains(name, "ledger.db") {
		if strings.HasSuffix(name, "-shm") {
			return false
		}
		return s.atLedger(string(c.Op) + " " + when)
	}
	name = varying.ReplaceAllString(name, "N")
	return s.atSink(fmt.Sprintf("%s %s %s", c.Op, name, when))
}

// onRequests are the steps of an HTTP server in front of another one.
func (s *steps) onRequests(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.atSink("request sent") {
			panic(http.ErrAbortHandler) // the server has not read it
		}
		answer := httptest.NewRecorder()
		next.ServeHTTP(answer, r)
		if s.atSink("request kept") {
			panic(http.ErrAbortHandler) // kept, and not answered
		}
		w.WriteHeader(answer.Code)
		_ = http.NewResponseController(w).Flush() // the connection may be gone
		s.atSink(fmt.Sprint("request answered ", answer.Code))
	})
}
