package native_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/aritest"
	"github.com/risposta/gateway/ari/native"
	"github.com/risposta/gateway/metering"
)

// What Asterisk says of signatures (docs/asterisk.md, "Who vouches for a number"). Nothing is made
// of an answer that is missing or not of its form.
func TestAttestationBySignatures(t *testing.T) {
	const failed = "cert_retrieval_failure"
	for name, c := range map[string]struct {
		answers map[string]string
		want    metering.Attestation
	}{
		"no signature":    {map[string]string{"count": "0"}, metering.AttestationNone},
		"none is checked": {map[string]string{"count": "1", "0,verify_result": "missing_identity_hdr"}, "none"},
		"level A": {
			map[string]string{"count": "1", "0,verify_result": "success", "0,attestation": "A"}, "A",
		},
		"level C": {
			map[string]string{"count": "1", "0,verify_result": "success", "0,attestation": "C"}, "C",
		},
		"failed": {
			map[string]string{"count": "1", "0,verify_result": failed, "0,attestation": "A"}, "failed",
		},
		"a bad one, then a good one": {
			map[string]string{
				"count": "2", "0,verify_result": failed,
				"1,verify_result": "success", "1,attestation": "B",
			}, "B",
		},
		"a good one, then a bad one": {
			map[string]string{
				"count": "2", "0,verify_result": "success", "0,attestation": "A", "1,verify_result": failed,
			}, "A",
		},
		"no answer":            {nil, metering.AttestationUnknown},
		"an empty count":       {map[string]string{"count": ""}, metering.AttestationUnknown},
		"no result":            {map[string]string{"count": "1"}, metering.AttestationUnknown},
		"no level":             {map[string]string{"count": "1", "0,verify_result": "success"}, ""},
		"a level that is none": {map[string]string{"count": "1", "0,verify_result": "success", "0,attestation": "D"}, ""},
		"an empty level":       {map[string]string{"count": "1", "0,verify_result": "success", "0,attestation": ""}, ""},
		"less than none":       {map[string]string{"count": "-1"}, metering.AttestationUnknown},
	} {
		pbx := aritest.New()
		t.Cleanup(pbx.Close)
		pbx.Answer("/channels/a", `{"id":"a","dialplan":{"app_name":"Queue"}}`)
		for arguments, value := range c.answers {
			pbx.Answer("/channels/a/variable?variable=STIR_SHAKEN("+arguments+")", `{"value":"`+value+`"}`)
		}
		control := native.NewControl(configFor(pbx))
		t.Cleanup(control.Close)
		if got := control.Attestation(t.Context(), ari.ChannelID("a")); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// A channel whose signature is still being verified shows none, and runs no application.
func TestAttestationWaitsForTheVerification(t *testing.T) {
	asked, shown := 0, map[string]string{"STIR_SHAKEN(count)": "0"}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if name := r.URL.Query().Get("variable"); name != "" {
			fmt.Fprintf(w, `{"value":%q}`, shown[name])
			return
		}
		app := ""
		if asked++; asked == 3 {
			app = "Queue"
			shown = map[string]string{
				"STIR_SHAKEN(count)": "1", "STIR_SHAKEN(0,verify_result)": "success",
				"STIR_SHAKEN(0,attestation)": "A",
			}
		}
		fmt.Fprintf(w, `{"id":"a","dialplan":{"app_name":%q}}`, app)
	}))
	t.Cleanup(server.Close)
	control := native.NewControl(native.Config{URL: server.URL + "/ari"})
	t.Cleanup(control.Close)
	if a := control.Attestation(t.Context(), "a"); a != metering.AttestedFull || asked != 3 {
		t.Errorf("got %q after %d questions, want A", a, asked)
	}
}
