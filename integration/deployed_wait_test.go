//go:build live

package integration

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/integration/lab"
)

// newDeployedWait is the drop-in with a queue that gives up after 2 s, not 100, and with its prompt
// wait-on, which an older image lacks, as a second of silence.
func newDeployedWait(t *testing.T, waitOn string) *harness {
	t.Helper()
	const limit, off = ",,,,100)", "RISPOSTA_WAIT_ON = no"
	dialplan := deployed(t, "etc/extensions.conf")
	if strings.Count(dialplan, limit) != 2 || strings.Count(dialplan, off) != 1 {
		t.Fatalf("extensions.conf has not twice %q and once %q", limit, off)
	}
	dialplan = strings.NewReplacer(limit, ",,,,2)", off, "RISPOSTA_WAIT_ON = "+waitOn).Replace(dialplan)
	prompt := filepath.Join(t.TempDir(), "wait-on.wav")
	if err := lab.Silence(prompt, time.Second); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(prompt, 0o644); err != nil { // the container's user must read it
		t.Fatal(err)
	}
	return newDeployedWith(t, dialplan,
		"--volume", prompt+":/usr/share/asterisk/sounds/it/risposta/wait-on.wav:ro")
}

// A wait that no operator ends. As the drop-in comes the caller is released unanswered, whatever key
// is pressed. With RISPOSTA_WAIT_ON one who presses 1 is answered, waits on, and pays for the talk
// alone; one who does not is released, too.
func TestLiveDeployedWaitEnds(t *testing.T) {
	t.Parallel()
	// The queue has given up after 2 s. What follows, the question and the goodbye, takes 2 s or more.
	pressing := func(keys string) *lab.Script {
		s := lab.AtFrontDesk().Pause(2*second + half)
		if keys != "" {
			s = s.Keys(keys)
		}
		return s
	}
	for _, c := range []struct{ name, waitOn, keys string }{
		{"as-it-comes", "no", "1"}, {"no-key", "yes", ""}, {"another-key", "yes", "2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := newDeployedWait(t, c.waitOn)
			h.start(t)
			(&people{T: t, h: h}).over(h.dials(t, callerOf(0), "1001", pressing(c.keys).LetGo()))
			rec := h.record(t, "1001")
			if rec.TalkMs != 0 || rec.Charge.Amount != "0.00" ||
				slices.Contains(rec.Reasons, "answered_early") {
				t.Errorf("%+v, want a call that nobody answered, free", rec)
			}
			cel := (&people{T: t, h: h}).log("cel-custom/cel.csv")
			if strings.Contains(cel, `"ANSWER"`) || !strings.Contains(cel, "please-try-call-later") {
				t.Errorf("want a caller who is asked, unanswered, to call later:\n%s", cel)
			}
		})
	}
	t.Run("waits-on", func(t *testing.T) {
		t.Parallel()
		h := newDeployedWait(t, "yes")
		h.start(t)
		p := &people{T: t, h: h}
		rings := p.operator("agent2", lab.Ringing().Cancelled())
		caller := h.dials(t, callerOf(0), "1007",
			pressing("1").Answered().Speaks().Pause(12*second).Bye())
		p.over(rings) // at the first Queue()
		h.logged(t, "caller.answered", 1)
		bruno := p.operator("agent2", lab.Called(half).Speaks().WaitBye())
		p.over(caller, bruno)
		rec := h.record(t, "1007")
		wantOperators(t, rec, "PJSIP/agent2")
		if !slices.Contains(rec.Reasons, "answered_early") || rec.Charge.Amount != amount(rec.TalkMs) {
			t.Errorf("%+v, want the talk charged, and the reason answered_early", rec)
		}
	})
}
