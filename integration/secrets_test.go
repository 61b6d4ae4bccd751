//go:build live

package integration

import (
	"strings"
	"testing"

	"github.com/risposta/gateway/integration/lab"
)

// wantNoClearNumbers checks that no number or secret is in the gateway's output: log, records,
// everythingKept is what the commands print of the records and their evidence.
func (h *harness) everythingKept(t *testing.T) (output string) {
	t.Helper()
	output, _, err := h.gw.Command(h.ctx, "records")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(output) {
		_, after, _ := strings.Cut(line, `"call":"`)
		call, _, _ := strings.Cut(after, `"`)
		evidence, code, err := h.gw.Command(h.ctx, "explain", "--evidence", call)
		if err != nil || code != 0 || evidence == "" {
			t.Fatalf("the evidence of %q: exit %d, %v", call, code, err)
		}
		explained, code, err := h.gw.Command(h.ctx, "explain", call)
		if err != nil || code != 0 || !strings.Contains(explained, "byte for byte") {
			t.Errorf("explaining %q: exit %d, %v:\n%s", call, code, err, explained)
		}
		output += evidence + explained
	}
	return output
}

// evidence, explanations and metrics. calls is the number of calls that the log must contain.
func (h *harness) wantNoClearNumbers(t *testing.T, calls int) {
	t.Helper()
	output := h.gw.Log() + h.everythingKept(t)
	_, metrics, err := h.gw.Get(h.ctx, "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	output += metrics
	if strings.Count(output, "call.arrived") < calls {
		t.Fatal("the log does not contain the calls: searching it proves nothing")
	}
	for _, secret := range []string{"6123400", lab.ARIPassword, "1ab01ab01ab0", "Maria"} {
		if strings.Contains(output, secret) {
			t.Errorf("%q is in plain text in the gateway's output", secret)
		}
	}
}
