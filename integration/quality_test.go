//go:build live

package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/integration/lab"
)

const (
	answeredEach = 7 // calls of each service that are answered
	givenUpEach  = 4 // calls that give up after each time
	sentAway     = 2 // calls that the queue sends away
)

// On both sides of the borders of 5, 10 and 20 s.
var (
	ringing = []time.Duration{
		4700 * time.Millisecond, 5300 * time.Millisecond, 9700 * time.Millisecond,
		10300 * time.Millisecond, 19700 * time.Millisecond, 20300 * time.Millisecond,
	}
	patience = []time.Duration{
		4700 * time.Millisecond, 5300 * time.Millisecond, 9700 * time.Millisecond,
		10300 * time.Millisecond,
	}
)

// A day of calls in miniature: 60 calls with waits around the borders. The figures that the ledger's
// counts give are those that Asterisk's own logs give, and those of the plan.
func TestQualityAgreesWithQueueLog(t *testing.T) {
	var services []service
	for i := range ringing {
		name := fmt.Sprintf("quality-%d", i)
		s := service{name: name, dialplan: strings.ReplaceAll(queued, "{queue}", name)}
		var members []string
		for n := range answeredEach { // a phone for each call
			s.agents = append(s.agents, fmt.Sprintf("op%d%02d", 1+i, n))
			members = append(members, "PJSIP/"+s.agents[n])
		}
		s.queues = queue(name, "strategy = rrmemory", members...)
		services = append(services, s)
	}
	services = append(services,
		service{name: "nobody", dialplan: "Progress(); Queue(nobody)",
			queues: queue("nobody", "joinempty = yes")},
		service{name: "closing", dialplan: "Progress(); Queue(closing,,,,2); Hangup()",
			queues: queue("closing", "joinempty = yes")})
	h := newHarness(t, services, nil)
	h.start(t)
	for i, rings := range ringing {
		for _, phone := range services[i].agents {
			h.operator(t, phone, lab.Called(rings).WaitBye())
		}
	}
	var parties []*lab.Party
	for i := range ringing {
		parties = append(parties, h.crowd(t, i, answeredEach, lab.Calls().Pause(time.Second).Bye()))
	}
	for _, after := range patience {
		parties = append(parties, h.crowd(t, len(ringing), givenUpEach, lab.GivesUp(after)))
	}
	parties = append(parties, h.crowd(t, len(ringing)+1, sentAway, lab.Unanswered()))
	h.finish(t, parties...)
	h.logged(t, "record.written", 60)

	text, code := h.audit(t)
	if code != 0 {
		t.Errorf("the audit ended with %d", code)
	}
	// The last two columns before the difference are the logs' figure, and of how many calls it is.
	for name, want := range map[string]string{
		"answered_20s_of_answered": "0.833 42", // five of six services
		"answered_20s_of_offered":  "0.583 60",
		"abandoned_short":          "0.067 60", // those of 4.7 s
		"abandoned":                "0.214 56",
		"cut_waiting":              "0.033 60",
	} {
		row := ""
		for line := range strings.Lines(text) {
			if f := strings.Fields(line); len(f) > 5 && f[0] == name {
				row = f[4] + " " + f[5]
			}
		}
		if row != want {
			t.Errorf("%s by the logs: %s, want %s", name, row, want)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

// crowd starts several callers of the i-th service, who come one after the other.
func (h *harness) crowd(t *testing.T, i, calls int, s *lab.Script) *lab.Party {
	t.Helper()
	port, err := lab.FreePort("udp")
	if err != nil {
		t.Fatal(err)
	}
	p, err := lab.StartParty(t.TempDir(), lab.Plan{
		Script: s, Port: port, Server: h.pbx.SIPPort, Number: numberOf(i), Caller: callerOf(i),
		Calls: calls, Rate: 2,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	return p
}

// audit runs `gateway quality audit` on the logs of the harness's Asterisk.
func (h *harness) audit(t *testing.T) (text string, code int) {
	t.Helper()
	args := []string{"quality", "audit", "--period", time.Now().UTC().Format("2006-01")}
	for flag, log := range map[string]string{"--cel": "cel-custom/cel.csv", "--queue-log": "queue_log"} {
		text, err := h.pbx.Log(h.ctx, log)
		path := filepath.Join(h.dir, filepath.Base(log))
		if err == nil {
			err = os.WriteFile(path, []byte(text), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		args = append(args, flag, path)
	}
	text, code, err := h.gw.Command(h.ctx, args...)
	if err != nil {
		t.Fatal(err)
	}
	return text, code
}
