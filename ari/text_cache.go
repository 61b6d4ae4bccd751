package ari

import "encoding/binary"

// textCache are texts that were read lately: most come again in the next frames of the call.
type textCache [256]string

// maxCached bounds the bytes of a text that is kept.
const maxCached = 64

func (c *textCache) of(raw []byte) string {
	n := len(raw)
	if n == 0 {
		return ""
	}
	if n > maxCached {
		return string(raw)
	}
	at := &c[textHash(raw)]
	if *at != string(raw) {
		*at = string(raw)
	}
	return *at
}

// textHash is of a text's length and of both its ends.
func textHash(raw []byte) uint8 {
	var front, back uint64
	if n := len(raw); n >= 8 {
		front, back = binary.LittleEndian.Uint64(raw), binary.LittleEndian.Uint64(raw[n-8:])
	} else {
		for _, b := range raw {
			front = front<<8 | uint64(b)
		}
	}
	h := (front ^ uint64(len(raw))) * 0x9E3779B97F4A7C15
	h = (h ^ back) * 0xC2B2AE3D27D4EB4F
	return uint8(h >> 56)
}
