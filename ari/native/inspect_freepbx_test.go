package native_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/risposta/gateway/ari/aritest"
	"github.com/risposta/gateway/ari/native"
)

// freePBXAnswers is a FreePBX with queue 800, whose members are led to a context.
func freePBXAnswers(context string) map[string]string {
	answers := endpoints(map[string]string{
		"op200": endpoint(), "op201": endpoint(), "op202": endpoint(), "op203": endpoint(),
	})
	values := map[string]string{
		"QUEUE_EXISTS(800)":       "1",
		"QUEUE_MEMBER(800,count)": "4",
		"QUEUE_MEMBER_LIST(800)": "Local/op200@from-queue/n,Local/op201@from-queue/n," +
			"Local/op202@from-queue/n,Local/op203@from-queue/n",
	}
	if context != "" {
		values["AST_CONFIG(extensions.conf,from-queue,exten,0)"] = "800,1,Goto(" + context + ",${QAGENT},1)"
		values["AST_CONFIG(extensions.conf,from-queue,exten,1)"] = "_.,1,Set(QAGENT=${EXTEN})"
		values["AST_CONFIG(extensions.conf,from-queue,exten,2)"] = "_.,n,Goto(${NODEST},1)"
	}
	for function, value := range values {
		answers[reading+function] = fmt.Sprintf(`{"value":%q}`, value)
	}
	return answers
}

// What a check says of the queue's Agent Restrictions, and of the members that they concern.
func TestInspectReadsAgentRestrictions(t *testing.T) {
	for context, want := range map[string]string{
		"from-queue-exten-only":     good + "queue 800: Agent Restrictions is Extensions Only: ",
		"from-queue-exten-internal": good + "queue 800: Agent Restrictions is No Follow-Me or Call Forward: ",
		"${SOMEWHERE}":              note + "queue 800: whether the follow-me of its members rings other phones",
		"":                          note + "queue 800: whether the follow-me of its members rings other phones",
	} {
		wantFinding(t, inspected(t, []string{"800"}, freePBXAnswers(context)), want)
	}
	for value, who := range map[[2]string]string{
		{"DEVICE_STATE(Custom:FOLLOWMEop201)", "INUSE"}:     "so it is now for op201",
		{"DEVICE_STATE(Custom:FOLLOWMEop201)", "NOT_INUSE"}: "none of its members has one at present",
		{"DB_EXISTS(CF/op202)", "1"}:                        "so it is now for op202",
		{"DB_EXISTS(CF/op202)", "0"}:                        "none of its members has one at present",
	} {
		answers := freePBXAnswers("from-internal")
		answers[reading+value[0]] = fmt.Sprintf(`{"value":%q}`, value[1])
		wantFinding(t, inspected(t, []string{"800"}, answers), note+"queue 800: Agent Restrictions is Call "+
			"as Dialed: a member's follow-me or call forward rings phones that are no operators', and talk "+
			"there is free; "+who+"; in FreePBX set Agent Restrictions of the queue to Extensions Only")
	}
}

func TestInspectFindsRecordingOnDemand(t *testing.T) {
	answers := freePBXAnswers("from-queue-exten-only")
	const found = note + "features.conf: apprecord (*1) runs an application in the middle of talk"
	for _, l := range inspected(t, []string{"800"}, answers) {
		if strings.HasPrefix(l, found) {
			t.Errorf("found %q where there is none", l)
		}
	}
	answers[reading+"AST_CONFIG(features.conf,applicationmap,apprecord)"] =
		`{"value":"*1,caller,Macro,one-touch-record"}`
	wantFinding(t, inspected(t, []string{"800"}, answers), found)
}

// Callers who may wait on, answered: a problem where the policy voids the charge of such a call.
func TestInspectFindsAnsweredWaitsThatThePolicyVoids(t *testing.T) {
	for value, voids := range map[string]bool{"yes": true, "no": false} {
		for _, policy := range []bool{true, false} {
			pbx := aritest.New()
			defer pbx.Close()
			pbx.Answer("/endpoints", "[]")
			pbx.Answer(reading+"GLOBAL(RISPOSTA_WAIT_ON)", fmt.Sprintf(`{"value":%q}`, value))
			none := func(string) bool { return false }
			report, err := native.Inspect(t.Context(), configFor(pbx), native.Plan{
				WaitVoids: policy, Operator: none, Caller: none, Carrier: none, Signed: none,
			})
			if err != nil {
				t.Fatal(err)
			}
			found := false
			for _, f := range report.Findings {
				found = found || f.Bad && strings.HasPrefix(f.Text, "RISPOSTA_WAIT_ON = yes in extensions.conf")
			}
			if found != (voids && policy) {
				t.Errorf("%s, a policy with wait_voids %v: found %v", value, policy, found)
			}
		}
	}
}
