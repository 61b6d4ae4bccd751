package ledger

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"sync"
)

// maxDecompressed bounds what one call's evidence may decompress to: a forged kilobyte must not fill
// the memory. Three hundred thousand frames are less.
const maxDecompressed = 256 << 20

// compressors are kept: each has tables of several hundred kilobytes.
var compressors = sync.Pool{New: func() any { return gzip.NewWriter(nil) }}

// Compress makes one text (gzip) of lines, each of which ends with a newline: the frames of a call.
func Compress(lines []byte) []byte {
	var out bytes.Buffer
	w := compressors.Get().(*gzip.Writer)
	defer compressors.Put(w)
	w.Reset(&out)
	if _, err := w.Write(lines); err != nil {
		panic("ledger: compressing into memory: " + err.Error())
	}
	if err := w.Close(); err != nil {
		panic("ledger: compressing into memory: " + err.Error())
	}
	return out.Bytes()
}

// Decompress returns the lines again, of one compressed text or of several one after the other.
func Decompress(text []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("decompressing evidence: %w", err)
	}
	lines, err := io.ReadAll(io.LimitReader(r, maxDecompressed+1))
	if err != nil {
		return nil, fmt.Errorf("decompressing evidence: %w", err)
	}
	if len(lines) > maxDecompressed {
		return nil, fmt.Errorf("decompressing evidence: it has more than %d bytes", maxDecompressed)
	}
	return lines, nil
}

// Join makes lines of frames: each frame and a newline.
func Join(frames [][]byte) []byte {
	var lines []byte
	for _, f := range frames {
		lines = append(append(lines, f...), '\n')
	}
	return lines
}

// Split makes frames of lines again.
func Split(lines []byte) (frames [][]byte) {
	for line := range bytes.Lines(lines) {
		frames = append(frames, bytes.TrimSuffix(line, []byte("\n")))
	}
	return frames
}
