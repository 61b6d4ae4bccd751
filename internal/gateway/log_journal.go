package gateway

import (
	"strings"

	"github.com/coreos/go-systemd/v22/journal"
	"go.uber.org/zap/zapcore"

	"github.com/risposta/gateway/internal/printable"
)

// journalKeys are the fields of a line by which the journal can be searched: as EVENT, PBX, CALL,
// RECORD and SERVICE. Everything else is in the message, which is the line itself.
var journalKeys = map[string]bool{"pbx": true, "call": true, "record": true, "service": true}

// journalSend sends one entry to the journal: journal.Send but for tests.
type journalSend func(message string, p journal.Priority, fields map[string]string) error

// journalCore writes the log to systemd's journal, each line with fields.
type journalCore struct {
	zapcore.LevelEnabler
	enc    zapcore.Encoder
	fields map[string]string
	send   journalSend
	// or takes a line that the journal does not.
	or zapcore.WriteSyncer
}

// With implements zapcore.Core.
func (c *journalCore) With(fields []zapcore.Field) zapcore.Core {
	with := *c
	with.enc = c.enc.Clone()
	with.fields = journalFields(c.fields, fields)
	for _, f := range fields {
		f.AddTo(with.enc)
	}
	return &with
}

// Check implements zapcore.Core.
func (c *journalCore) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) {
		return ce.AddCore(e, c)
	}
	return ce
}

// Write implements zapcore.Core.
func (c *journalCore) Write(e zapcore.Entry, fields []zapcore.Field) error {
	line, err := c.enc.EncodeEntry(e, fields)
	if err != nil {
		return err
	}
	defer line.Free()
	all := journalFields(c.fields, fields)
	all["EVENT"] = e.Message
	text := strings.TrimSuffix(line.String(), "\n")
	if c.send(printable.String(text), priority(e.Level), all) == nil {
		return nil
	}
	_, err = c.or.Write(line.Bytes())
	return err
}

// Sync implements zapcore.Core.
func (c *journalCore) Sync() error { return nil }

// journalFields are those of a line, and those that it adds to.
func journalFields(to map[string]string, fields []zapcore.Field) map[string]string {
	all := make(map[string]string, len(to)+len(journalKeys)+1)
	for k, v := range to {
		all[k] = v
	}
	for _, f := range fields {
		if journalKeys[f.Key] && f.Type == zapcore.StringType {
			all[strings.ToUpper(f.Key)] = f.String
		}
	}
	return all
}

func priority(l zapcore.Level) journal.Priority {
	switch {
	case l >= zapcore.ErrorLevel:
		return journal.PriErr
	case l == zapcore.WarnLevel:
		return journal.PriWarning
	case l == zapcore.InfoLevel:
		return journal.PriInfo
	}
	return journal.PriDebug
}

// toJournal reports whether standard output is systemd's journal.
func toJournal() bool {
	yes, err := journal.StdoutIsJournalStream()
	return err == nil && yes && journal.Enabled()
}
