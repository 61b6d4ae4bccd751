//go:build live

package integration

import (
	"strings"
	"testing"

	"github.com/risposta/gateway/integration/lab"
)

// noClearNumbers looks for the callers' numbers in everything that the gateway has written.
func (r *rig) noClearNumbers(t *testing.T, calls int) {
	t.Helper()
	said := r.gw.Log()
	out, _, err := r.gw.Command(r.ctx, "records")
	if err != nil {
		t.Fatal(err)
	}
	said += out
	for line := range strings.Lines(out) {
		_, after, _ := strings.Cut(line, `"call":"`)
		call, _, _ := strings.Cut(after, `"`)
		evidence, code, err := r.gw.Command(r.ctx, "explain", "--evidence", call)
		if err != nil || code != 0 || evidence == "" {
			t.Fatalf("the evidence of %q: exit %d, %v", call, code, err)
		}
		explained, code, err := r.gw.Command(r.ctx, "explain", call)
		if err != nil || code != 0 || !strings.Contains(explained, "byte for byte") {
			t.Errorf("explaining %q: exit %d, %v:\n%s", call, code, err, explained)
		}
		said += evidence + explained
	}
	_, metrics, err := r.gw.Get(r.ctx, "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	said += metrics
	if strings.Count(said, "call.arrived") < calls {
		t.Fatal("the log does not hold the calls: nothing is proved by looking through it")
	}
	for _, secret := range []string{"6123400", lab.ARIPassword, "a key for the lab", "Maria"} {
		if strings.Contains(said, secret) {
			t.Errorf("%q stands in clear in what the gateway has written", secret)
		}
	}
}
