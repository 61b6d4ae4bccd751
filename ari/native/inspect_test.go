package native_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/risposta/gateway/ari/aritest"
	"github.com/risposta/gateway/ari/native"
)

// inspected is what a check finds at a PBX that answers so, one line a finding.
func inspected(t *testing.T, queues []string, answers map[string]string) (lines []string) {
	t.Helper()
	pbx := aritest.New()
	t.Cleanup(pbx.Close)
	return inspectedAt(t, pbx, queues, answers)
}

func inspectedAt(
	t *testing.T, pbx *aritest.PBX, queues []string, answers map[string]string,
) (lines []string) {
	t.Helper()
	pbx.Answer("/endpoints", "[]")
	for path, body := range answers {
		pbx.Answer(path, body)
	}
	report, err := native.Inspect(context.Background(), configFor(pbx), native.Plan{
		Queues:   queues,
		Operator: func(e string) bool { return strings.HasPrefix(e, "PJSIP/op") },
		Caller:   func(e string) bool { return e == "PJSIP/trunk" || e == "PJSIP/optrunk" },
		Carrier:  func(e string) bool { return e == "PJSIP/trunk" },
		Signed:   func(e string) bool { return e == "PJSIP/optrunk" },
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range report.Findings {
		lines = append(lines, fmt.Sprintf("%t %t %s", f.Bad, f.Note, f.Text))
	}
	return lines
}

// wantFinding checks that exactly one finding begins so.
func wantFinding(t *testing.T, lines []string, want string) {
	t.Helper()
	n := 0
	for _, l := range lines {
		if strings.HasPrefix(l, want) {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d findings begin with %q, want one:\n%s", n, want, strings.Join(lines, "\n"))
	}
}

// A finding that is bad, is a note, or is neither.
const bad, note, good = "true false ", "false true ", "false false "

// endpoint is the answer to a question about an endpoint: a sound one, with these values instead.
func endpoint(changed ...string) string {
	options := map[string]string{
		"rtp_timeout": "30", "rtp_timeout_hold": "900", "timers": "always",
		"suppress_moh_on_sendonly": "false", "moh_passthrough": "false",
	}
	for i := 0; i < len(changed); i += 2 {
		options[changed[i]] = changed[i+1]
	}
	var list []string
	for name, value := range options {
		list = append(list, fmt.Sprintf(`{"attribute":%q,"value":%q}`, name, value))
	}
	return "[" + strings.Join(list, ",") + "]"
}

const dynamic = "/asterisk/config/dynamic/"

// endpoints is a PBX with these PJSIP endpoints.
func endpoints(all map[string]string) map[string]string {
	answers := map[string]string{}
	var list []string
	for name, options := range all {
		list = append(list, fmt.Sprintf(`{"technology":"PJSIP","resource":%q}`, name))
		answers[dynamic+"res_pjsip/endpoint/"+name] = options
	}
	answers["/endpoints"] = "[" + strings.Join(list, ",") + "]"
	return answers
}

func TestInspectAcceptsSoundEndpoints(t *testing.T) {
	lines := inspected(t, nil, endpoints(map[string]string{
		"op1": endpoint(), "trunk": endpoint("timers", "yes"),
		"lobby": endpoint("rtp_timeout", "0"), // neither an operator's nor a caller's
	}))
	wantFinding(t, lines, good+"the 2 endpoints of operators and callers have timeouts")
}

func TestInspectRefusesOptionsOfEndpoints(t *testing.T) {
	for option, value := range map[string]string{
		"rtp_timeout": "0", "rtp_timeout_hold": "0", "timers": "no",
		"suppress_moh_on_sendonly": "true", "moh_passthrough": "true",
	} {
		lines := inspected(t, nil, endpoints(map[string]string{
			"op1": endpoint(option, value), "op2": endpoint(), "trunk": endpoint(option, value),
		}))
		written := strings.ReplaceAll(value, "true", "yes")
		wantFinding(t, lines, bad+"PJSIP/op1, PJSIP/trunk: "+option+" = "+written+" in pjsip.conf")
		if strings.Contains(strings.Join(lines, "\n"), "have timeouts") {
			t.Errorf("%s: the endpoints are called sound", option)
		}
	}
}

func TestInspectFindsTrunksWhoseNumbersNobodyVouchesFor(t *testing.T) {
	with := func(asserted, profile string) []string {
		return inspected(t, nil, endpoints(map[string]string{
			"trunk":    endpoint("trust_id_inbound", asserted),
			"optrunk":  endpoint("stir_shaken_profile", profile, "trust_id_inbound", "false"),
			"lobby":    endpoint("trust_id_inbound", "false"),
			"optional": endpoint("stir_shaken_profile", ""),
		}))
	}
	lines := with("false", "")
	wantFinding(t, lines, bad+"PJSIP/optrunk: no stir_shaken_profile in pjsip.conf")
	wantFinding(t, lines, note+"PJSIP/trunk: trust_id_inbound = no in pjsip.conf")
	for _, l := range with("true", "carriers") {
		if strings.Contains(l, "stir_shaken") || strings.Contains(l, "trust_id") {
			t.Errorf("found %q where somebody vouches", l)
		}
	}
}

func TestInspectDoesNotAcceptWhatItCannotRead(t *testing.T) {
	answers := endpoints(map[string]string{"op1": endpoint(), "op2": "[]"})
	delete(answers, dynamic+"res_pjsip/endpoint/op1")
	lines := inspected(t, nil, answers)
	wantFinding(t, lines, bad+"PJSIP/op1, PJSIP/op2: the PBX does not show the options that matter")
}

func TestInspectFindsTrunksAmongOperators(t *testing.T) {
	answers := endpoints(map[string]string{
		"op1": endpoint(), "op2": endpoint(), "optrunk": endpoint(), "trunk": endpoint(),
	})
	answers[dynamic+"res_pjsip/registration/op1"] = "[]"
	answers[dynamic+"res_pjsip/identify/op2"] = "[]"
	answers[dynamic+"res_pjsip/identify/trunk"] = "[]" // as it should be
	lines := inspected(t, nil, answers)
	wantFinding(t, lines, bad+"PJSIP/optrunk matches operators and a service's callers")
	wantFinding(t, lines, bad+"PJSIP/op1 matches operators and has a type = registration")
	wantFinding(t, lines, note+"PJSIP/op2 matches operators and has a type = identify")
	if strings.Contains(strings.Join(lines, "\n"), "PJSIP/trunk matches") {
		t.Errorf("the callers' trunk is taken for an operator:\n%s", strings.Join(lines, "\n"))
	}
}

// reading is the path of a question about a function or variable.
const reading = "/channels/" + aritest.Created + "/variable?variable="

func TestInspectComparesQueueMembersWithOperators(t *testing.T) {
	answers := endpoints(map[string]string{
		"op1": endpoint(), "op2": endpoint(), "op200": endpoint(), "300": endpoint(), "op9": endpoint(),
	})
	for function, value := range map[string]string{
		"QUEUE_EXISTS(mixed)":       "1",
		"QUEUE_MEMBER(mixed,count)": "6",
		"QUEUE_MEMBER_LIST(mixed)": "PJSIP/op1,PJSIP/bot1,Local/200@from-queue/n," +
			"Local/300@from-queue/n,Local/400@from-queue/n,Local/op2@agents",
		"HINT(200@ext-local)": "PJSIP/op200&Custom:DND200",

		"QUEUE_EXISTS(fine)": "1", "QUEUE_MEMBER(fine,count)": "1",
		"QUEUE_MEMBER_LIST(fine)": "PJSIP/op1",
		"QUEUE_EXISTS(long)":      "1", "QUEUE_MEMBER(long,count)": "3",
		"QUEUE_MEMBER_LIST(long)": "PJSIP/op1",
		"QUEUE_EXISTS(empty)":     "1", "QUEUE_MEMBER(empty,count)": "0", "QUEUE_MEMBER_LIST(empty)": "",
		"QUEUE_EXISTS(gone)": "0",
	} {
		answers[reading+function] = fmt.Sprintf(`{"value":%q}`, value)
	}
	lines := inspected(t, []string{"mixed", "fine", "long", "empty", "gone", "bad)name"}, answers)
	for _, want := range []string{
		good + "queue fine: all its 1 members are operators",
		note + "queue mixed: no pattern of operators matches its members PJSIP/bot1, " +
			"Local/300@from-queue/n:",
		note + "queue mixed: whom its members Local/400@from-queue/n call is not known",
		note + "queue long: the PBX lists 1 of its 3 members",
		note + "queue empty: it has no members at present",
		note + "queue gone: the PBX does not know it",
		note + "checked were the members at present of the queues empty, fine, gone, long, mixed;",
	} {
		wantFinding(t, lines, want)
	}
	if strings.Contains(strings.Join(lines, "\n"), "none of these queues") {
		t.Errorf("operators are said to be in no queue, though members are not known:\n%s", lines)
	}
	wantFinding(t, inspected(t, []string{"fine"}, answers),
		note+"operators who are in none of these queues: PJSIP/op2, PJSIP/op200, PJSIP/op9")
	wantFinding(t, inspected(t, nil, answers), note+"not checked: queue members")
}

func TestInspectFindsWhatMutesMembersOfConferences(t *testing.T) {
	answers := map[string]string{}
	for option, value := range map[string]string{
		"default_user,startmuted": "yes", "admin_user,startmuted": "yes", "user,startmuted": "no",
		"default_menu,*": "toggle_mute", "sample_user_menu,*1": "toggle_mute",
		"user_menu,1": "leave_conference",
	} {
		answers[reading+"AST_CONFIG(confbridge.conf,"+option+")"] = fmt.Sprintf(`{"value":%q}`, value)
	}
	lines := inspected(t, nil, answers)
	for _, want := range []string{
		bad + "confbridge.conf: [default_user] has startmuted = yes",
		bad + "confbridge.conf: [default_menu] has * = toggle_mute",
		note + "confbridge.conf: [admin_user] has startmuted = yes",
		note + "confbridge.conf: [sample_user_menu] has *1 = toggle_mute",
	} {
		wantFinding(t, lines, want)
	}
	if n := strings.Count(strings.Join(lines, "\n"), "confbridge.conf"); n != 4 {
		t.Errorf("%d findings about conferences, want 4:\n%s", n, strings.Join(lines, "\n"))
	}
}
