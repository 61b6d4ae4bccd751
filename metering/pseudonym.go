package metering

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// KeyBytes is the length of a key. It is random: a text that somebody thought of could be searched.
const KeyBytes = 32

// MaxKeys bounds the keys of one file: the present key, and former keys that something is still
// stored under.
const MaxKeys = 8

// Pseudonyms makes keyed pseudonyms of numbers. A number has one pseudonym under one key. Without
// the key there is no way back, although there are few enough numbers to try them all. A nil
// *Pseudonyms gives every caller the empty pseudonym.
//
// A record's caller, a name in the exemption register, a code and an encrypted number have separate
// keys, derived from that of the file: the register alone does not tell which records are whose.
type Pseudonyms struct{ keys []derivedKeys }

// derivedKeys are what one key of the file becomes.
type derivedKeys struct {
	id                                       string
	records, register, codes, numbers, nonce []byte
}

func newDerivedKeys(secret []byte) derivedKeys {
	derive := func(purpose string) []byte {
		key, err := hkdf.Key(sha256.New, secret, nil, "risposta "+purpose, sha256.Size)
		if err != nil {
			panic("metering: HKDF refuses 32 bytes: " + err.Error()) // it refuses more than 8160
		}
		return key
	}
	return derivedKeys{
		id:      encodeBase32(derive("key id")[:keyIDBytes]),
		records: derive("record pseudonyms"), register: derive("register names"),
		codes: derive("exemption codes"), numbers: derive("number encryption"),
		nonce: derive("number encryption nonces"),
	}
}

// newPseudonyms uses the keys in their order: the present one first, then former ones.
func newPseudonyms(keys ...[]byte) (*Pseudonyms, error) {
	if len(keys) == 0 || len(keys) > MaxKeys {
		return nil, fmt.Errorf("%d keys, want from 1 to %d", len(keys), MaxKeys)
	}
	seen := map[string]bool{}
	p := &Pseudonyms{}
	for _, k := range keys {
		if seen[string(k)] {
			return nil, errors.New("the same key is given twice")
		}
		seen[string(k)] = true
		p.keys = append(p.keys, newDerivedKeys(k))
	}
	return p, nil
}

// ParseKeys reads a key file: one key a line, as 64 hexadecimal digits, the present one first.
func ParseKeys(text string) (*Pseudonyms, error) {
	var keys [][]byte
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		key, err := hex.DecodeString(line)
		if err != nil || len(key) != KeyBytes {
			return nil, fmt.Errorf("key %d is not %d hexadecimal digits: "+
				"make a random one with `openssl rand -hex %d`", len(keys)+1, 2*KeyBytes, KeyBytes)
		}
		keys = append(keys, key)
	}
	return newPseudonyms(keys...)
}

// Of is the pseudonym of n in records under the present key: "c-", the id of the key, and 26 letters
// and digits (128 bits of HMAC-SHA256), or "" for a withheld number. Of several readings it is that
// of the likeliest.
func (p *Pseudonyms) Of(n Number) string {
	if p == nil || n.Withheld() {
		return ""
	}
	return recordPseudonym(p.keys[0], n.digits)
}

// All are the pseudonyms of n in records under each key, in the order of the keys; of several
// readings those of the likeliest come first.
func (p *Pseudonyms) All(n Number) []string { return p.underEachKey(n, recordPseudonym) }

func recordPseudonym(k derivedKeys, digits string) string {
	return pseudonymPrefix + k.id + digest(k.records, digits)
}

// RegisterNames are the names of n in the exemption register under each key, in the order of
// [Pseudonyms.All].
func (p *Pseudonyms) RegisterNames(n Number) []string {
	return p.underEachKey(n, func(k derivedKeys, digits string) string {
		return "n-" + k.id + digest(k.register, digits)
	})
}

// CodeNames are the names of an exemption code in the register under each key. They never equal a
// number's.
func (p *Pseudonyms) CodeNames(code string) []string {
	names := make([]string, len(p.keys))
	for i, k := range p.keys {
		names[i] = "k-" + k.id + digest(k.codes, code)
	}
	return names
}

func (p *Pseudonyms) underEachKey(n Number, of func(derivedKeys, string) string) (all []string) {
	if p == nil {
		return nil
	}
	for _, reading := range n.Readings() {
		for _, k := range p.keys {
			all = append(all, of(k, reading.digits))
		}
	}
	return all
}

const (
	pseudonymPrefix = "c-"
	pseudonymBytes  = 16 // how many of the HMAC's bytes a pseudonym has
	keyIDBytes      = 5
	keyIDChars      = 8
)

// KeyOf is the id of the key that made the pseudonym of a record; "" where the text is none.
func KeyOf(pseudonym string) string {
	rest, ok := strings.CutPrefix(pseudonym, pseudonymPrefix)
	if !ok || len(rest) < keyIDChars {
		return ""
	}
	return rest[:keyIDChars]
}

// KeyIDs identify the keys, in their order. They give nothing of the keys away.
func (p *Pseudonyms) KeyIDs() []string {
	ids := make([]string, len(p.keys))
	for i, k := range p.keys {
		ids[i] = k.id
	}
	return ids
}

// digest is the part of a pseudonym that tells callers apart.
func digest(key []byte, text string) string { return encodeBase32(mac(key, text)[:pseudonymBytes]) }

func encodeBase32(b []byte) string {
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b))
}

// mac is the HMAC-SHA256 of a text: 32 bytes.
func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
