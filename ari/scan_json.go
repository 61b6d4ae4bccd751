package ari

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// The grammar of JSON (RFC 8259), as far as the scanner reads it. Each method steps over what it reads,
// and returns false where that is for package json.

// object reads an object and calls member with each name, to read the value. A name that comes twice is
// for package json, which refuses it.
func (s *scanner) object(depth int, member func(name []byte) bool) bool {
	if depth > maxDepth || s.next() != '{' {
		return false
	}
	s.at++
	first := len(s.names)
	defer func() { s.names = s.names[:first] }()
	var seen uint64 // a bit for each name that was read, perhaps of several
	for more := s.next() != '}'; more; more = s.next() == ',' {
		if len(s.names) > first {
			s.at++ // the comma
		}
		s.next()
		from := s.at + 1
		name, ok := s.plain()
		if !ok || len(s.names)-first >= maxMembers {
			return false
		}
		bit := uint64(1) << (nameHash(name) % 64)
		if seen&bit != 0 && s.has(first, name) {
			return false
		}
		seen |= bit
		s.names = append(s.names, span{from, from + len(name)})
		if s.next() != ':' {
			return false
		}
		s.at++
		s.next()
		if !member(name) {
			return false
		}
	}
	return s.take('}')
}

// nameHash is of a name's length and both its ends, which tell the names of one object apart.
func nameHash(name []byte) uint {
	if len(name) == 0 {
		return 0
	}
	return uint(len(name))*5 + uint(name[0])*3 + uint(name[len(name)-1])
}

// has reports whether a name is among those from the first on.
func (s *scanner) has(first int, name []byte) bool {
	for _, n := range s.names[first:] {
		if bytes.Equal(s.frame[n.from:n.to], name) {
			return true
		}
	}
	return false
}

// skip reads a value and drops it. Its depth is that of an object that it may be.
func (s *scanner) skip(depth int) bool {
	switch c := s.next(); c {
	case '"':
		_, _, ok := s.text()
		return ok
	case '{':
		return s.object(depth, func([]byte) bool { return s.skip(depth + 1) })
	case '[':
		return s.array(depth, func() bool { return s.skip(depth + 1) })
	case 't':
		return s.literal("true")
	case 'f':
		return s.literal("false")
	case 'n':
		return s.literal("null")
	default:
		_, ok := s.number()
		return ok
	}
}

func (s *scanner) array(depth int, value func() bool) bool {
	if depth > maxDepth || !s.take('[') {
		return false
	}
	for more := s.next() != ']'; more; {
		s.next()
		if !value() {
			return false
		}
		if more = s.next() == ','; more {
			s.at++
		}
	}
	return s.take(']')
}

// next steps over blanks and returns the byte that follows, 0 at the end.
func (s *scanner) next() byte {
	for ; s.at < len(s.frame); s.at++ {
		switch c := s.frame[s.at]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

// end reports whether nothing more comes.
func (s *scanner) end() bool { return s.next() == 0 && s.at == len(s.frame) }

func (s *scanner) take(c byte) bool {
	if s.next() != c {
		return false
	}
	s.at++
	return true
}

func (s *scanner) literal(word string) bool {
	if !bytes.HasPrefix(s.frame[s.at:], []byte(word)) {
		return false
	}
	s.at += len(word)
	return true
}

// number reads a number of the grammar.
func (s *scanner) number() (raw []byte, ok bool) {
	from := s.at
	digits := func() bool {
		begin := s.at
		for s.at < len(s.frame) && isDigit(s.frame[s.at]) {
			s.at++
		}
		return s.at > begin
	}
	is := func(chars string) bool {
		if s.at < len(s.frame) && strings.IndexByte(chars, s.frame[s.at]) >= 0 {
			s.at++
			return true
		}
		return false
	}
	is("-")
	if !is("0") && !digits() {
		return nil, false
	}
	if is(".") && !digits() {
		return nil, false
	}
	if is("eE") {
		is("+-")
		if !digits() {
			return nil, false
		}
	}
	return s.frame[from:s.at], true
}

// text reads a string and returns what stands between its quotes, and whether that stands for itself:
// without escapes, and ASCII.
func (s *scanner) text() (raw []byte, plain, ok bool) {
	if s.at >= len(s.frame) || s.frame[s.at] != '"' {
		return nil, false, false
	}
	from := s.at + 1
	plain = true
	for i := from; i < len(s.frame); i++ {
		switch c := s.frame[i]; {
		case c == '"':
			s.at = i + 1
			return s.frame[from:i], plain, true
		case c == '\\':
			n := escapeBytes(s.frame[i:])
			if n == 0 {
				return nil, false, false
			}
			plain = false
			i += n - 1
		case c < ' ':
			return nil, false, false
		case c >= 0x80:
			plain = false
		}
	}
	return nil, false, false
}

// escapeBytes is the length of the escape that a text begins with, 0 where it is for package json:
// surrogates come in pairs.
func escapeBytes(text []byte) int {
	if len(text) < 2 {
		return 0
	}
	switch text[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if len(text) < 6 {
			return 0
		}
		r, err := strconv.ParseUint(string(text[2:6]), 16, 16)
		if err != nil || r >= 0xD800 && r <= 0xDFFF {
			return 0
		}
		return 6
	}
	return 0
}

// plain reads a string that stands for itself.
func (s *scanner) plain() (raw []byte, ok bool) {
	raw, plain, ok := s.text()
	return raw, ok && plain
}

func (s *scanner) readText(to *string) bool {
	raw, plain, ok := s.text()
	switch {
	case !ok:
		return false
	case plain:
		*to = s.texts.of(raw)
	default:
		quoted := s.frame[s.at-len(raw)-2 : s.at]
		unquoted, _ := jsontext.AppendUnquote(nil, quoted) // what is no UTF-8 is replaced
		*to = string(unquoted)
	}
	return true
}

func readAs[T ~string](s *scanner, to *T) bool {
	var text string
	ok := s.readText(&text)
	*to = T(text)
	return ok
}

func readTexts[T ~string](s *scanner, to *[]T) bool {
	*to = []T{}
	return s.array(1, func() bool {
		var text T
		ok := readAs(s, &text)
		*to = append(*to, text)
		return ok
	})
}

func (s *scanner) readBool(to *bool) bool {
	*to = s.next() == 't'
	if *to {
		return s.literal("true")
	}
	return s.literal("false")
}

func (s *scanner) readInt(to *int) bool {
	raw, ok := s.number()
	if !ok {
		return false
	}
	n, err := strconv.Atoi(string(raw)) // not of a fraction
	*to = n
	return err == nil
}
