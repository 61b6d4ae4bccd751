package remeasure

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// The columns of deploy/asterisk/etc/cel_custom.conf that are read.
const (
	celEvent = iota
	celTime
	_
	celChannel
	_
	celName
	celExtra
	celColumns
	celExten   = celColumns
	celContext = celColumns + 1
)

// celMark is the user event of `Gosub(risposta,chosen,1)` in deploy/asterisk.
const celMark = "RISPOSTA_CHOICE"

// near is how far an instant of the CEL may be from the second that the queue_log has for it.
const near = 2 * time.Second

// AddCEL adds to the calls what the CEL has of their callers' channels: instants in milliseconds,
// and who hung up. zone is that in which Asterisk writes it.
func (calls Calls) AddCEL(r io.Reader, zone *time.Location) error {
	rows := csv.NewReader(r)
	rows.FieldsPerRecord = -1
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading the CEL: %w", err)
		}
		line, _ := rows.FieldPos(0)
		if len(row) < celColumns {
			return fmt.Errorf("reading the CEL, line %d: it has %d columns, want at least %d: "+
				"see deploy/asterisk/etc/cel_custom.conf", line, len(row), celColumns)
		}
		c := calls[row[celChannel]]
		if c == nil {
			continue
		}
		at, err := instant(row[celTime], zone)
		if err != nil {
			return fmt.Errorf("reading the CEL, line %d: its time is not as 2026-11-23 09:45:27.921", line)
		}
		c.add(row[celEvent], at.UTC(), row)
	}
}

// instant reads a time, whose zone is its own where dateformat in cel.conf has %z.
func instant(text string, zone *time.Location) (time.Time, error) {
	if at, err := time.Parse("2006-01-02 15:04:05-0700", text); err == nil {
		return at, nil
	}
	return time.ParseInLocation("2006-01-02 15:04:05", text, zone)
}

func (c *call) add(event string, at time.Time, row []string) {
	second := time.Unix(c.joinSecond, 0)
	switch event {
	case "CHAN_START":
		c.arrived, c.channel = at, row[celName]
		if len(row) > celContext {
			c.exten, c.context = row[celExten], row[celContext]
		}
	case celMark:
		if c.marked.IsZero() {
			c.marked = at
		}
	case "APP_START": // the last one before the second in which the caller joined is the queue's
		if at.Before(second.Add(time.Second)) && at.After(second.Add(-near)) {
			c.joined = at
		}
	case "BRIDGE_ENTER": // the queue_log has the connection just before it
		second := time.Unix(c.connSecond, 0)
		if c.connSecond > 0 && !c.bridged && !at.Before(second) && at.Before(second.Add(near)) {
			c.connected, c.bridged = at, true
		}
	case "HANGUP":
		c.ended = at
		_, source, _ := strings.Cut(row[celExtra], `"hangupsource":"`)
		c.hungUpBy, _, _ = strings.Cut(source, `"`)
	}
}
