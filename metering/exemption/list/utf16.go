package list

import (
	"bufio"
	"errors"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// utf16Reader gives UTF-16 as UTF-8.
type utf16Reader struct {
	from *bufio.Reader
	big  bool   // the higher byte comes first
	left []byte // decoded and not read yet
}

// Read implements io.Reader. Half a character at the end of the file is an error.
func (u *utf16Reader) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if len(u.left) == 0 {
			r, err := u.next()
			if err != nil {
				if n > 0 && errors.Is(err, io.EOF) {
					return n, nil
				}
				return n, err
			}
			u.left = utf8.AppendRune(u.left[:0], r)
		}
		c := copy(p[n:], u.left)
		n, u.left = n+c, u.left[c:]
	}
	return n, nil
}

func (u *utf16Reader) next() (rune, error) {
	r, err := u.unit()
	if err != nil || !utf16.IsSurrogate(r) {
		return r, err
	}
	low, err := u.unit()
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return utf16.DecodeRune(r, low), err
}

func (u *utf16Reader) unit() (rune, error) {
	var b [2]byte
	if _, err := io.ReadFull(u.from, b[:]); err != nil {
		return 0, err
	}
	if u.big {
		return rune(b[0])<<8 | rune(b[1]), nil
	}
	return rune(b[1])<<8 | rune(b[0]), nil
}
