package ledger

import (
	"bytes"
	"compress/zlib"
	_ "embed" // for the dictionary
	"fmt"
	"io"
	"sync"

	fast "github.com/klauspost/compress/zlib"
)

// dictionary has a frame of each usual type. Its checksum stands in each compressed text, so it never
// changes: a better one would be a second one.
//
//go:embed frames.dict
var dictionary []byte

// maxDecompressed bounds what one call's evidence may decompress to: a forged kilobyte must not fill
// the memory. A quarter of a million frames are less.
const maxDecompressed = 64 << 20

// compressors are kept: each has tables of several hundred kilobytes.
var compressors = sync.Pool{New: func() any {
	w, err := fast.NewWriterLevelDict(nil, fast.DefaultCompression, dictionary)
	if err != nil {
		panic("ledger: zlib does not know its own level: " + err.Error())
	}
	return w
}}

// Compress makes one text (zlib, RFC 1950, with a dictionary) of lines, each of which ends with a
// newline: the frames of a call.
func Compress(lines []byte) []byte {
	var out bytes.Buffer
	w := compressors.Get().(*fast.Writer)
	defer compressors.Put(w)
	w.Reset(&out)
	_, err := w.Write(lines)
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		panic("ledger: compressing into memory: " + err.Error()) // a buffer takes everything
	}
	return out.Bytes()
}

// Decompress returns the lines again, of one compressed text or of several one after the other. An
// error is an ErrUnreadable.
func Decompress(text []byte) (lines []byte, err error) {
	in := bytes.NewReader(text)
	for {
		r, err := zlib.NewReaderDict(in, dictionary)
		if err != nil {
			return nil, fmt.Errorf("%w: decompressing it: %w", ErrUnreadable, err)
		}
		more, err := io.ReadAll(io.LimitReader(r, maxDecompressed+1-int64(len(lines))))
		if err != nil {
			return nil, fmt.Errorf("%w: decompressing it: %w", ErrUnreadable, err)
		}
		lines = append(lines, more...)
		if len(lines) > maxDecompressed {
			return nil, fmt.Errorf("%w: it has more than %d bytes", ErrUnreadable, maxDecompressed)
		}
		if in.Len() == 0 {
			return lines, nil
		}
	}
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
