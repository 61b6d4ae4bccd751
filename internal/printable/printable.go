// Package printable makes text from outside harmless for those who read it in a terminal.
//
// In: text that may hold a channel's name, as the PBX gave it. Out: the same text without the
// characters by which it could command a terminal. It never drops a character: it escapes it.
package printable

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// Writer escapes control characters but for newlines and tabs, characters that change the direction
// of the text, and bytes that are no UTF-8. In JSON the escapes mean the same characters. It may be
// used by several goroutines.
type Writer struct {
	mu      sync.Mutex
	to      io.Writer
	partial []byte // the beginning of a character whose rest is still to come
}

// To is a writer that passes on to another.
func To(w io.Writer) *Writer { return &Writer{to: w} }

// String is a text as a Writer writes it.
func String(text string) string {
	var b strings.Builder
	_, _ = To(&b).Write([]byte(text)) // a Builder takes everything
	return b.String()
}

// Write implements io.Writer. It reports what it was given as written.
func (p *Writer) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := append(p.partial, text...)
	out := make([]byte, 0, len(all))
	for len(all) > 0 && utf8.FullRune(all) {
		r, size := utf8.DecodeRune(all)
		switch {
		case r == utf8.RuneError && size == 1:
			out = fmt.Appendf(out, `\x%02x`, all[0])
		case r == '\n', r == '\t', !unicode.Is(unicode.C, r):
			out = append(out, all[:size]...)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		all = all[size:]
	}
	p.partial = append([]byte(nil), all...)
	if _, err := p.to.Write(out); err != nil {
		return 0, err
	}
	return len(text), nil
}
