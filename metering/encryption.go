package metering

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"strings"
)

// Encrypt encrypts a number under the present key (AES-256-GCM), so that a lookup can be asked
// about it after its call has ended, with all its readings. The same number encrypts to the same
// bytes, which tell as much as its pseudonym does. A withheld number encrypts to nil.
func (p *Pseudonyms) Encrypt(n Number) []byte {
	if p == nil || n.Withheld() {
		return nil
	}
	key := p.keys[0]
	a := aead(key.numbers)
	text := strings.TrimSuffix(n.digits+" "+n.also, " ")
	nonce := mac(key.nonce, text)[:a.NonceSize()]
	return a.Seal(nonce, nonce, []byte(text), nil)
}

// Decrypt is the number that was encrypted under one of the keys.
func (p *Pseudonyms) Decrypt(encrypted []byte) (Number, error) {
	n, _, err := p.decrypt(encrypted)
	return n, err
}

// EncryptedUnder is the id of the key that a number was encrypted under; "" where no key of the
// file decrypts it.
func (p *Pseudonyms) EncryptedUnder(encrypted []byte) string {
	_, id, _ := p.decrypt(encrypted) // an error leaves the id empty
	return id
}

func (p *Pseudonyms) decrypt(encrypted []byte) (n Number, id string, err error) {
	for _, key := range p.keys {
		a := aead(key.numbers)
		if len(encrypted) <= a.NonceSize() {
			break
		}
		nonce, ciphertext := encrypted[:a.NonceSize()], encrypted[a.NonceSize():]
		if text, err := a.Open(nil, nonce, ciphertext, nil); err == nil {
			digits, also, _ := strings.Cut(string(text), " ")
			return Number{digits: digits, also: also}, key.id, nil
		}
	}
	return Number{}, "", errors.New("no key in callers.key_file decrypts a caller's number: " +
		"put back the key that was taken out of it")
}

func aead(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic("metering: AES refuses a key of 32 bytes: " + err.Error()) // HKDF makes no other
	}
	a, err := cipher.NewGCM(block)
	if err != nil {
		panic("metering: GCM refuses AES: " + err.Error())
	}
	return a
}
