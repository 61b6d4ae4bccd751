package metering

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// MinKeyBytes is the shortest key a pseudonym may be made with: a shorter one could be searched.
const MinKeyBytes = 16

// MaxKeys bounds the keys of one file: the present one, and former ones that something is still known under.
const MaxKeys = 8

// Pseudonyms turns numbers into keyed pseudonyms: the same number gives the same name under the same key, and nobody
// without the key can go back, although there are few enough numbers to try them all. A nil *Pseudonyms gives every caller the empty name.
type Pseudonyms struct{ keys [][]byte }

// NewPseudonyms takes the keys: the present one first, then former ones.
func NewPseudonyms(keys ...[]byte) (*Pseudonyms, error) {
	if len(keys) == 0 || len(keys) > MaxKeys {
		return nil, fmt.Errorf("%d keys, want from 1 to %d", len(keys), MaxKeys)
	}
	seen := map[string]bool{}
	for _, k := range keys {
		if len(k) < MinKeyBytes {
			return nil, errors.New("the key is too short: 16 bytes at least, such as from `openssl rand -hex 32`")
		}
		if seen[string(k)] {
			return nil, errors.New("a key is given twice")
		}
		seen[string(k)] = true
	}
	return &Pseudonyms{keys: keys}, nil
}

// ParseKeys reads a key file: a key a line, the present one first.
func ParseKeys(text string) (*Pseudonyms, error) {
	var keys [][]byte
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			keys = append(keys, []byte(line))
		}
	}
	return NewPseudonyms(keys...)
}

// Of is the pseudonym of n under the present key: "c-" and 26 letters and digits (128 bits of HMAC-SHA256), or "" for a withheld number.
func (p *Pseudonyms) Of(n Number) string {
	if p == nil || n.Withheld() {
		return ""
	}
	return name("c-", p.keys[0], n.digits)
}

// All are the pseudonyms of n under each key, the present one's first.
func (p *Pseudonyms) All(n Number) []string {
	if p == nil || n.Withheld() {
		return nil
	}
	return p.all("c-", n.digits)
}

// OfCode are the names under which an exemption code is known, under each key. They never equal any number's.
func (p *Pseudonyms) OfCode(code string) []string { return p.all("k-", "exemption code "+code) }

func (p *Pseudonyms) all(prefix, text string) []string {
	names := make([]string, len(p.keys))
	for i, k := range p.keys {
		names[i] = name(prefix, k, text)
	}
	return names
}

func name(prefix string, key []byte, text string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return prefix + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(mac.Sum(nil)[:16]))
}

// IDs name the keys, in their order, without giving anything of them away.
func (p *Pseudonyms) IDs() []string {
	ids := make([]string, len(p.keys))
	for i, k := range p.keys {
		ids[i] = hex.EncodeToString(derive(k, "risposta key id")[:4])
	}
	return ids
}

func derive(key []byte, purpose string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(purpose))
	return mac.Sum(nil)
}

// Encrypt encrypts a number for whoever holds the key (AES-256-GCM), so that it can be asked about after its call has ended. The same number seals to
// the same bytes: they say as much as its pseudonym. A withheld number seals to nothing.
func (p *Pseudonyms) Encrypt(n Number) []byte {
	if p == nil || n.Withheld() {
		return nil
	}
	key := p.keys[0]
	nonce := derive(derive(key, "risposta nonce"), n.digits)[:12]
	return aead(key).Seal(nonce, nonce, []byte(n.digits), nil)
}

// Decrypt is the number that any of the keys has sealed.
func (p *Pseudonyms) Decrypt(sealed []byte) (Number, error) {
	for _, key := range p.keys {
		a := aead(key)
		if len(sealed) <= a.NonceSize() {
			break
		}
		if clear, err := a.Open(nil, sealed[:a.NonceSize()], sealed[a.NonceSize():], nil); err == nil {
			return Number{digits: string(clear)}, nil
		}
	}
	return Number{}, errors.New("a sealed number opens under none of the keys in callers.key_file: was a key taken out too early?")
}

func aead(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(derive(key, "risposta seal"))
	if err != nil {
		panic("metering: a key of 32 bytes is refused: " + err.Error()) // SHA-256 makes no other
	}
	a, err := cipher.NewGCM(block)
	if err != nil {
		panic("metering: GCM refuses AES: " + err.Error())
	}
	return a
}
