//go:build live

package integration

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/integration/lab"
)

// frontDeskConfig configures a policy that requires the announcement and the caller's consent.
const frontDeskConfig = `
pbx:
  - {name: live, url: "{{ari}}", username: risposta}
operators: ["PJSIP/op*"]
tariffs:
  - {name: standard, per_minute: "0.96", increment: 1s, currency: EUR}
law: {policy: it, also: [announced, consent]}
front_desk: {language: en}
callers: {country_code: "39", attestation: [{endpoints: ["PJSIP/trunk"], by: trunk}]}
ledger: {file: "{{dir}}/ledger.db"}
admin: {listen: "{{admin}}"}
`

// announcing is the dialplan of a service with an announcement.
const announcing = "Progress(); Gosub(risposta,announce,1(en)); Queue({queue})"

// longWait gives the gateway 2 s to respond instead of 200 ms, because other tests load the
// machine. The tests that use it are about what the front desk says.
var longWait = map[string]string{"extensions.d/desk.conf": "[globals](+)\nRISPOSTA_WAIT = 2\n"}

// announcement is how long the front desk speaks before it accepts keys, with espeak-ng's prompts.
const announcement = 14 * time.Second

// frontDeskServices have one caller each; their names tell what that caller does.
var frontDeskServices = []service{
	servedBy("op1", "agrees", announcing),
	servedBy("op2", "exempt", announcing),
	servedBy("op3", "refuses", announcing),
	servedBy("op4", "types-code", announcing),
	servedBy("op5", "skips-front-desk", queued),
	servedBy("op6", "is-asked", "Progress(); Queue({queue},c); Gosub(risposta,survey,1(it))"),
}

// What the front desk announces to each caller, and what each pays.
func TestLiveFrontDesk(t *testing.T) {
	t.Parallel()
	services := frontDeskServices
	h := newHarnessWith(t, frontDeskConfig, services, longWait)
	h.addExemption(t, "--ref", "e-number", "--number-on-command-line", callerOf(1))
	code := regexp.MustCompile(`its code is ([0-9]{10})`).
		FindStringSubmatch(h.addExemption(t, "--ref", "e-code", "--code"))
	if code == nil {
		t.Fatal("`exempt add --code` printed no code")
	}
	h.start(t)
	for i, s := range services {
		script := lab.Called(half).WaitBye()
		if s.name == "is-asked" {
			script = lab.Called(half).Pause(2 * second).Bye()
		}
		if s.name != "refuses" {
			h.operator(t, services[i].agents[0], script)
		}
	}
	talk := func(s *lab.Script) *lab.Script { return s.Answered().Pause(3 * second).Bye() }
	// They send audio, or the RTP timeout of 30 s ends their calls.
	afterPrice := func() *lab.Script { return lab.AtFrontDesk().Speaks().Pause(announcement) }
	h.finish(t,
		h.caller(t, 0, talk(afterPrice().Keys("1"))),
		h.caller(t, 1, talk(lab.AtFrontDesk())),
		h.caller(t, 2, lab.AtFrontDesk().LetGo()),
		h.caller(t, 3, talk(afterPrice().Keys("*").Pause(6*second).Keys(code[1]+"#"))),
		h.caller(t, 4, lab.Calls().Pause(3*second).Bye()),
		h.caller(t, 5, lab.AtFrontDesk().Answered().
			Pause(9*second).Keys("4").Pause(6*second).Keys("1").WaitBye()),
	)
	for i, want := range frontDeskWants {
		h.wantFrontDesk(t, i, want)
	}
	if rec := h.record(t, "is-asked"); rec.Survey.Satisfaction != 4 || rec.Survey.Solved != "yes" ||
		rec.TalkMs > 3000 {
		t.Errorf("the survey: %+v, talk %d ms; want 4, solved, and no talk in it", rec.Survey,
			rec.TalkMs)
	}
	h.wantNoClearNumbers(t, len(services))
	if log := h.gw.Log(); strings.Contains(log, code[1]) || strings.Contains(log, "pension") {
		t.Error("the log contains a code, or the category of an exemption")
	}
	h.wantVerified(t, "")
}

// addExemption runs `risposta exempt add` with further arguments and returns its output.
func (h *harness) addExemption(t *testing.T, args ...string) string {
	t.Helper()
	args = append([]string{"exempt", "add", "--from", "2026-01-01",
		"--category", "minimum pension"}, args...)
	out, code, err := h.gw.Command(h.ctx, args...)
	if err != nil || code != 0 {
		t.Fatalf("exit %d, %v: %s", code, err, out)
	}
	return out
}

// frontDeskWant is what the record of a call must contain.
type frontDeskWant struct {
	reason, outcome string
	consent         string
	free, charged   bool
	ref             string
}

// frontDeskWants are in the order of frontDeskServices.
var frontDeskWants = []frontDeskWant{
	{"talk", "talked", "given", false, true, ""},
	{"exempt", "talked", "", true, false, "e-number"},
	{"no_talk", "unanswered", "refused", false, false, ""},
	{"exempt", "talked", "", true, false, "e-code"},
	{"no_consent", "talked", "", false, false, ""},
	{"no_consent", "talked", "", false, false, ""},
}

// wantFrontDesk checks the record of the i-th service's call.
func (h *harness) wantFrontDesk(t *testing.T, i int, want frontDeskWant) {
	t.Helper()
	name := frontDeskServices[i].name
	rec := h.record(t, name)
	if rec.Reasons[0] != want.reason || rec.Outcome != want.outcome ||
		rec.Announcement.Consent != want.consent || rec.Announcement.Free != want.free ||
		(rec.Charge.Amount != "0.00") != want.charged || rec.ExemptionRef != want.ref {
		t.Errorf("%s: %+v; want %+v", name, rec, want)
	}
	if slices.Contains(rec.Reasons, "answered_early") && name != "is-asked" {
		t.Errorf("%s: the front desk answered the caller: %v", name, rec.Reasons)
	}
	if want.charged {
		if lead := rec.Talk[0].From.Sub(rec.Announcement.AnnouncedAt); lead < 3*second {
			t.Errorf("talk began %s after the announcement, want 3 s at least", lead)
		}
		h.wantSameTalk(t, i, rec)
	}
}
