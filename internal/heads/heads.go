// Package heads keeps the signed heads of the ledger log in second places, where who changes the
// ledger does not change them along: a file on another mount, a collector over HTTP or syslog.
//
// In: each head as it is signed. Out: the head in every place, and at the start a comparison of the
// ledger with what the place has. It holds up nobody: each place has a goroutine of its own, and of
// the heads that wait for it only the newest is kept, which covers all that were before it.
package heads

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf16"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/risposta/gateway/metering/ledger/merkle"
)

// Event is the name of the log's event that has a head.
const Event = "ledger.signed"

// Line is a signed head as the gateway's log has it.
type Line struct {
	Level  string    `json:"level"`
	TS     string    `json:"ts"`
	Event  string    `json:"event"`
	Leaves int64     `json:"leaves"`
	Root   tlog.Hash `json:"root"`
	Head   string    `json:"head"` // the signed note
}

// NewLine is the line of a head that was signed at an instant.
func NewLine(head merkle.Head, at time.Time) Line {
	return Line{
		Level: "info", TS: at.UTC().Format("2006-01-02T15:04:05.000Z07:00"), Event: Event,
		Leaves: head.N, Root: head.Hash, Head: string(head.Note),
	}
}

// Text is the line as JSON, in ASCII alone: some collectors change other characters.
func (l Line) Text() ([]byte, error) {
	text, err := json.Marshal(l)
	if err != nil {
		return nil, err
	}
	var ascii []byte
	for _, r := range string(text) {
		if r < 0x80 {
			ascii = append(ascii, byte(r))
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			ascii = fmt.Appendf(ascii, `\u%04x`, unit)
		}
	}
	return ascii, nil
}

// Read returns the signed heads in a text: one that is a head as it is, or lines of the gateway's log,
// with whatever a collector has put in front of each.
func Read(text []byte) (notes [][]byte, err error) {
	if !bytes.Contains(text, []byte("{")) && len(bytes.TrimSpace(text)) > 0 {
		return [][]byte{text}, nil
	}
	for line := range bytes.Lines(text) {
		start := bytes.IndexByte(line, '{')
		if start < 0 {
			continue
		}
		var logged struct{ Head string }
		err := json.NewDecoder(bytes.NewReader(line[start:])).Decode(&logged)
		if err == nil && logged.Head != "" { // a crash may have cut a line short
			notes = append(notes, []byte(logged.Head))
		}
	}
	if len(notes) == 0 {
		return nil, errors.New("none of its lines is one of " + Event)
	}
	return notes, nil
}

// Place is a second place. Its methods honour ctx where they can; their errors hold no secret.
type Place interface {
	// Keep hands over the line of a head. It may hand over the same line twice.
	Keep(ctx context.Context, line []byte) error
	// Newest returns the head that was kept last, nil for none. ErrWriteOnly: the place does not say.
	Newest(ctx context.Context) (note []byte, err error)
	// String names the place in the log and in metrics, without what may be a secret.
	String() string
}

// ErrWriteOnly says that a place cannot be read back.
var ErrWriteOnly = errors.New("the place of signed heads cannot be read back")
