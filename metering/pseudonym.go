package metering

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// MinKeyBytes is the length of the shortest key: a shorter one could be searched.
const MinKeyBytes = 16

// MaxKeys bounds the keys of one file: the present key, and former keys that something is still
// stored under.
const MaxKeys = 8

// Pseudonyms makes keyed pseudonyms of numbers. A number has one pseudonym under one key. Without
// the key there is no way back, although there are few enough numbers to try them all. A nil
// *Pseudonyms gives every caller the empty pseudonym.
type Pseudonyms struct{ keys [][]byte }

// newPseudonyms uses the keys in their order: the present one first, then former ones.
func newPseudonyms(keys ...[]byte) (*Pseudonyms, error) {
	if len(keys) == 0 || len(keys) > MaxKeys {
		return nil, fmt.Errorf("%d keys, want from 1 to %d", len(keys), MaxKeys)
	}
	seen := map[string]bool{}
	for _, k := range keys {
		if len(k) < MinKeyBytes {
			return nil, fmt.Errorf("a key has %d bytes, want at least %d: "+
				"make one with `openssl rand -hex 32`", len(k), MinKeyBytes)
		}
		if seen[string(k)] {
			return nil, errors.New("the same key is given twice")
		}
		seen[string(k)] = true
	}
	return &Pseudonyms{keys: keys}, nil
}

// ParseKeys reads a key file: one key a line, the present one first.
func ParseKeys(text string) (*Pseudonyms, error) {
	var keys [][]byte
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			keys = append(keys, []byte(line))
		}
	}
	return newPseudonyms(keys...)
}

// Of is the pseudonym of n under the present key: "c-" and 26 letters and digits (128 bits of
// HMAC-SHA256), or "" for a withheld number. Of several readings it is that of the likeliest.
func (p *Pseudonyms) Of(n Number) string {
	if p == nil || n.Withheld() {
		return ""
	}
	return pseudonym("c-", p.keys[0], n.digits)
}

// All are the pseudonyms of n under each key, in the order of the keys; of several readings those of
// the likeliest come first.
func (p *Pseudonyms) All(n Number) (all []string) {
	if p == nil {
		return nil
	}
	for _, reading := range n.Readings() {
		all = append(all, p.underEachKey("c-", reading.digits)...)
	}
	return all
}

// OfCode are the pseudonyms of an exemption code under each key. They never equal a number's.
func (p *Pseudonyms) OfCode(code string) []string {
	return p.underEachKey("k-", "exemption code "+code)
}

func (p *Pseudonyms) underEachKey(prefix, text string) []string {
	pseudonyms := make([]string, len(p.keys))
	for i, k := range p.keys {
		pseudonyms[i] = pseudonym(prefix, k, text)
	}
	return pseudonyms
}

// pseudonymBytes are how many of the HMAC's bytes a pseudonym has.
const pseudonymBytes = 16

func pseudonym(prefix string, key []byte, text string) string {
	sum := derive(key, text)[:pseudonymBytes]
	encoding := base32.StdEncoding.WithPadding(base32.NoPadding)
	return prefix + strings.ToLower(encoding.EncodeToString(sum))
}

// KeyIDs identify the keys, in their order. They give nothing of the keys away.
func (p *Pseudonyms) KeyIDs() []string {
	ids := make([]string, len(p.keys))
	for i, k := range p.keys {
		ids[i] = hex.EncodeToString(derive(k, "risposta key id")[:4])
	}
	return ids
}

// derive is the HMAC-SHA256 of a text: 32 bytes.
func derive(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}
