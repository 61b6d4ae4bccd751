//go:build live

package integration

import (
	"testing"

	"github.com/risposta/gateway/integration/lab"
)

// In a pattern n is a letter of its own (2 to 9): _agent[0-9] matches age2t0, not agent1.
func TestObservePatternWithTheLetterN(t *testing.T) {
	t.Parallel()
	o := observe(t, "pattern-letters", []service{{
		name: "pattern", agents: []string{"op1", "op2"}, dialplan: "Progress(); Wait(1)",
	}}, map[string]string{
		"pjsip.d/pattern.conf": "[op1](+)\ncontext = as-deployed\n[op2](+)\ncontext = in-brackets\n",
		"extensions.d/pattern.conf": `[as-deployed]
exten => _agent[0-9],1,Answer()
[in-brackets]
exten => _age[n]t[0-9],1,Answer()
[literal]
exten => agent1,1,Answer()
[any]
exten => _agen.,1,Answer()
[upper]
exten => _AGENT[0-9],1,Answer()
[dashed]
exten => _a-g-e-[n]-t-[0-9],1,Answer()
`,
	})
	for _, c := range []struct {
		number, context string
		matches         bool
	}{
		{"agent1", "as-deployed", false},
		{"age2t1", "as-deployed", true},
		{"agent1", "in-brackets", true},
		{"agent1", "literal", true},
		{"agent1", "any", false},
		{"agent1", "upper", false},
		{"agent1", "dashed", true},
	} {
		pattern := "Answer|Dial"
		if !c.matches {
			pattern = "There is no existence"
		}
		out := o.console("dialplan show "+c.number+"@"+c.context, "")
		o.console("dialplan show "+c.number+"@"+c.context, pattern)
		t.Logf("%s@%s:\n%s", c.number, c.context, out)
	}
	// Dialled by phones: 404, which sipp reports as an unexpected answer.
	if err := o.dials(t, "op1", "agent1", lab.Calls().Bye()).Wait(o.ctx); err == nil {
		t.Error("_agent[0-9] answers a phone that dials agent1")
	}
	o.wait(o.dials(t, "op2", "agent1", lab.Calls().Bye()))
}
