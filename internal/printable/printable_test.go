package printable

import (
	"bytes"
	"testing"
)

func TestTextFromOutsideCommandsNoTerminal(t *testing.T) {
	for text, want := range map[string]string{
		"waiting, café, 1 €\tx\n":        "waiting, café, 1 €\tx\n",
		"PJSIP/\x1b[2Jagent\r":           `PJSIP/\u001b[2Jagent\u000d`,
		"bell \a, delete \x7f":           `bell \u0007, delete \u007f`,
		"eight bits: \u009b31m":          `eight bits: \u009b31m`,
		"no UTF-8: \x9b31m \xe9":         `no UTF-8: \x9b31m `, // what may be the beginning of a character waits
		"backwards: \u202e, \u2066":      `backwards: \u202e, \u2066`,
		"{\"name\":\"a\u0085b\\u0007\"}": `{"name":"a\u0085b\u0007"}`,
	} {
		for _, atOnce := range []int{1, 2, 3, 1000} {
			var out bytes.Buffer
			p := To(&out)
			for rest := []byte(text); len(rest) > 0; {
				n := min(atOnce, len(rest))
				if m, err := p.Write(rest[:n]); err != nil || m != n {
					t.Fatalf("wrote %d of %d, %v", m, n, err)
				}
				rest = rest[n:]
			}
			if out.String() != want {
				t.Errorf("%q, %d bytes at once: %q, want %q", text, atOnce, out.String(), want)
			}
		}
	}
}
