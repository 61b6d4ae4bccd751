package ledger_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/risposta/gateway/metering/ledger"
)

// Whatever the frames are and however they are spread over compressed texts, they come back, in
// order, byte for byte.
func TestCompressedFramesComeBack(t *testing.T) {
	frame := rapid.StringMatching(`\{"type":"[A-Za-z]{1,12}","timestamp":"[0-9:.TZ-]{0,20}"\}`)
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.SliceOfN(frame, 1, 40), 1, 4).Draw(t, "parts")
		var text []byte
		var want []string
		for _, part := range parts {
			var frames [][]byte
			for _, f := range part {
				frames = append(frames, []byte(f))
			}
			text = append(text, ledger.Compress(ledger.Join(frames))...)
			want = append(want, part...)
		}
		lines, err := ledger.Decompress(text)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range ledger.Split(lines) {
			got = append(got, string(f))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	})
}

// An auditor reads it with gunzip.
func TestCompressedEvidenceIsGzip(t *testing.T) {
	r, err := gzip.NewReader(bytes.NewReader(ledger.Compress([]byte("a\nb\n"))))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); string(got) != "a\nb\n" {
		t.Errorf("%q, %v", got, err)
	}
}

// Damaged bytes, and a kilobyte that would fill the memory, are errors.
func TestBadCompressedEvidenceIsAnError(t *testing.T) {
	good := ledger.Compress(bytes.Repeat([]byte("frame\n"), 100))
	var bomb bytes.Buffer
	w := gzip.NewWriter(&bomb)
	zeros := make([]byte, 1<<20)
	for range 300 {
		if _, err := w.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{
		"nothing": nil, "no gzip": []byte("frames"), "cut short": good[:len(good)-3],
		"one bit": append([]byte{}, append(good[:20:20], good[20]^1)...), "too much": bomb.Bytes(),
	} {
		if _, err := ledger.Decompress(text); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
