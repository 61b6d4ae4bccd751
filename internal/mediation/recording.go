package mediation

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/metering"
)

// Recording turns the recorded frames of one PBX, one a line, into records.
type Recording struct {
	Rules Rules
	// Exempt says whether a caller is exempt at an instant. It may be nil where Rules.AskExemption
	// is false. Beside an error only the attestation of its answer counts.
	Exempt func(context.Context, Ask) (metering.Exemption, error)
	// Record gets each record, in the order in which the calls end. Its error ends the replay.
	Record func(metering.Record) error
	// Warn gets the first unreadable frame of each type, and each lookup that failed. line counts
	// from 1.
	Warn func(line int, problem error)
}

// RecordingCount is how many lines a recording has, and how many of their frames could not be read.
type RecordingCount struct{ Lines, Unreadable int }

// RecordingRules meter a recording of which nothing else is known: every call from a caller's
// endpoint, under the number that it dialled, without a price and without pseudonyms.
func RecordingRules(callers, operators Globs) Rules {
	return Rules{
		Service: func(ch ari.Channel) (string, bool) {
			return ch.Exten, ch.Exten != "" && callers.Match(ch.Endpoint())
		},
		Operators: operators,
		Terms:     func(string, time.Time) metering.Terms { return metering.Terms{} },
		Pseudonym: (*metering.Pseudonyms)(nil).Of,
	}
}

// Replay reads the recording to its end. A call that is still open there ends at the last event,
// its end unseen.
func (r Recording) Replay(ctx context.Context, recording io.Reader) (RecordingCount, error) {
	var count RecordingCount
	rules := r.Rules
	rules.RecordName = nil // each replay gives the same records
	m := New(rules)
	types := map[string]bool{} // of unreadable frames
	lines := bufio.NewReader(recording)
	for {
		frame, err := readFrame(lines)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return count, fmt.Errorf("reading line %d: %w", count.Lines+1, err)
		}
		count.Lines++
		if len(bytes.TrimSpace(frame.Raw)) == 0 {
			continue
		}
		var out Output
		if bad, _ := m.Feed(frame, &out); bad != nil {
			count.Unreadable++
			if !types[bad.Type] {
				r.Warn(count.Lines, bad)
			}
			types[bad.Type] = true
		}
		r.answer(ctx, m, count.Lines, &out)
		if err := r.records(&out); err != nil {
			return count, err
		}
	}
	var out Output
	m.Finish(&out)
	return count, r.records(&out)
}

// answer looks up the callers of new calls. An answer that does not come leaves the call free.
func (r Recording) answer(ctx context.Context, m *Mediator, line int, out *Output) {
	for _, ask := range out.Asks {
		answer, err := r.Exempt(ctx, ask)
		if err != nil {
			r.Warn(line, fmt.Errorf("the exemption of call %s is not known: %w", ask.Call, err))
			answer = metering.Exemption{Attestation: answer.Attestation}
		}
		m.Answer(ask.Call, answer, out)
	}
}

func (r Recording) records(out *Output) error {
	for _, rec := range out.Records {
		if err := r.Record(rec); err != nil {
			return err
		}
	}
	return nil
}

// readFrame reads one line of any length. Of a line longer than ari.MaxFrame it keeps the front.
func readFrame(lines *bufio.Reader) (ari.Frame, error) {
	var f ari.Frame
	total := 0
	for {
		part, err := lines.ReadSlice('\n')
		total += len(part)
		if room := ari.MaxFrame - len(f.Raw); room > 0 {
			f.Raw = append(f.Raw, part[:min(room, len(part))]...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && total > 0, err == nil:
			if total > ari.MaxFrame {
				f.Total = total
			}
			return f, nil
		default:
			return f, err
		}
	}
}
