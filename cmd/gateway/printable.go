package main

import (
	"fmt"
	"io"
	"sync"
	"unicode"
	"unicode/utf8"
)

// printable writes text that may come from outside, such as a channel's name, without the characters
// by which it could command a terminal: it escapes control characters but for newlines and tabs,
// characters that change the direction of the text, and bytes that are no UTF-8. In JSON the escapes
// mean the same characters.
type printable struct {
	mu      sync.Mutex
	to      io.Writer
	partial []byte // the beginning of a character whose rest is still to come
}

// Write implements io.Writer. It reports what it was given as written.
func (p *printable) Write(text []byte) (int, error) {
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
