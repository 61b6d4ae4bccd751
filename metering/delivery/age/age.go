// Package age encrypts a caller's number to the billing department (filippo.io/age, X25519).
//
// In: the department's public key, a number. Out: a file of age that the department's private key
// decrypts: the number in international form, and where it may mean several each on a line, the
// likeliest first. The same number never encrypts to the same bytes twice. The package holds no private
// key, and cannot read what it has written.
package age

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"filippo.io/age"

	"github.com/risposta/gateway/metering"
)

// Recipient is a public key.
type Recipient struct{ key age.Recipient }

// ParseRecipient reads a public key: age1 and 58 letters and digits.
func ParseRecipient(text string) (*Recipient, error) {
	key, err := age.ParseX25519Recipient(strings.TrimSpace(text))
	if err != nil {
		return nil, errors.New("it is no public key of age, which begins with age1: " +
			"`age-keygen` makes one with its private key")
	}
	return &Recipient{key}, nil
}

// Encrypt encrypts a number that is not withheld.
func (r *Recipient) Encrypt(n metering.Number) ([]byte, error) {
	var lines strings.Builder
	for _, reading := range n.Readings() {
		lines.WriteString(reading.Clear() + "\n")
	}
	var b bytes.Buffer
	w, err := age.Encrypt(&b, r.key)
	if err == nil {
		_, err = w.Write([]byte(lines.String()))
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("encrypting a number to the billing department: %w", err)
	}
	return b.Bytes(), nil
}
