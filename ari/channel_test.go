package ari_test

import (
	"testing"

	"github.com/risposta/gateway/ari"
)

// A number of the outside world is in no name that evidence keeps; endpoints and extensions are.
func TestNamesOfChannelsAreMasked(t *testing.T) {
	for name, want := range map[string]string{
		"Local/3331234567@out-00000003;1":       "Local/xxxxxxxx67@out-00000003;1",
		"Local/+39-333-123-4567@out-00000003;2": "Local/+xx-xxx-xxx-xx67@out-00000003;2",
		"Local/06 1234-5678@out-00000003;2":     "Local/xx xxxx-xx78@out-00000003;2",
		"Local/(06)12345678/n@out-00000003;1":   "Local/(xx)xxxxxx78/n@out-00000003;1",
		"Local/1001@from-queue-00000001;1":      "Local/1001@from-queue-00000001;1",
		"Local/100@ctx2026-00000001;1":          "Local/100@ctx2026-00000001;1",
		"DAHDI/i1/0612345678-1":                 "DAHDI/i1/xxxxxxxx78-1",
		"DAHDI/1-1":                             "DAHDI/1-1",
		"OOH323/3331234567-12":                  "OOH323/xxxxxxxx67-12",
		"Motif/3331234567":                      "Motif/xxxxxxxx67",
		"PJSIP/3331234567-00000009":             "PJSIP/3331234567-00000009",
		"SIP/390612-00000009":                   "SIP/390612-00000009",
		"":                                      "",
	} {
		if got := ari.MaskName(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
		if got := ari.MaskName(ari.MaskName(name)); got != want {
			t.Errorf("%s, masked twice: %s, want %s", name, got, want)
		}
	}
}
