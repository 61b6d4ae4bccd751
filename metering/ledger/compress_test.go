package ledger_test

import (
	"bytes"
	"compress/zlib"
	"encoding/hex"
	"errors"
	"os"
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

// Ledgers are full of texts that only this dictionary reads.
func TestTheDictionaryNeverChanges(t *testing.T) {
	const text = "78bb7cf590a6c2da1aa9e502040000ffff5f6b07c7"
	lines, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ledger.Decompress(lines)
	if want := `{"type":"ChannelHold"}` + "\n"; string(got) != want || err != nil {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
}

// Damaged bytes, and a kilobyte that would fill the memory, are errors.
func TestBadCompressedEvidenceIsAnError(t *testing.T) {
	good := ledger.Compress(bytes.Repeat([]byte("frame\n"), 100))
	var bomb bytes.Buffer
	dictionary, err := os.ReadFile("frames.dict")
	if err != nil {
		t.Fatal(err)
	}
	w, err := zlib.NewWriterLevelDict(&bomb, zlib.BestSpeed, dictionary)
	if err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, 1<<20)
	for range 65 {
		if _, err := w.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(good)
	flipped[len(flipped)-1] ^= 1
	for name, text := range map[string][]byte{
		"nothing": nil, "no zlib": []byte("frames"), "cut short": good[:len(good)-3],
		"one bit": flipped, "too much": bomb.Bytes(),
	} {
		if _, err := ledger.Decompress(text); !errors.Is(err, ledger.ErrUnreadable) {
			t.Errorf("%s: %v, want ErrUnreadable", name, err)
		}
	}
}
