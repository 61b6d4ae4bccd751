package ledger_test

import (
	"bytes"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/risposta/gateway/metering/ledger"
)

// Whatever the lines are, they come back, packed or compressed, and any change of a bit is seen.
func TestPackedLinesComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOf(rapid.Byte()).Draw(t, "lines")
		lines = bytes.Repeat(lines, rapid.IntRange(1, 9).Draw(t, "times"))
		text := ledger.Pack(lines)
		for _, text := range [][]byte{text, ledger.Compress(lines)} {
			if got, err := ledger.Unpack(text); err != nil || !bytes.Equal(got, lines) {
				t.Fatalf("%q, %v", got, err)
			}
		}
		at := rapid.IntRange(0, len(text)-1).Draw(t, "at")
		text[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		got, err := ledger.Unpack(text)
		if err == nil && !bytes.Equal(got, lines) {
			t.Errorf("a damaged text reads as %q", got)
		}
		if err != nil && !errors.Is(err, ledger.ErrUnreadable) {
			t.Errorf("%v, want ErrUnreadable", err)
		}
	})
}

func TestBadPackedEvidenceIsAnError(t *testing.T) {
	huge := append([]byte("p....\xff\xff\xff\xff\x0f"), make([]byte, 9)...) // the length of what follows
	for name, text := range map[string][]byte{
		"nothing": nil, "no more than its mark": []byte("p"), "no packing": []byte("p1234"), "too much": huge,
	} {
		if _, err := ledger.Unpack(text); !errors.Is(err, ledger.ErrUnreadable) {
			t.Errorf("%s: %v, want ErrUnreadable", name, err)
		}
	}
}
