package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/risposta/gateway/internal/timeline"
	"github.com/risposta/gateway/metering"
)

type disputePack struct {
	readFlags
	keyFlag
	Into string `help:"The folder to make." type:"path" required:"" placeholder:"FOLDER"`
	Call string `arg:"" help:"The call, as in the records."`
}

// Run writes the pack: itemisation.txt, timeline.txt, record.json, evidence.jsonl, proof.txt. None of them holds the caller's number.
func (c disputePack) Run(ctx context.Context, io streams) (err error) {
	key, err := c.verifier(c.readFlags, io)
	if err != nil {
		return err
	}
	l, err := c.openReadOnly(ctx, io)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	call := metering.CallID(c.Call)
	record, err := l.Record(ctx, call)
	if err != nil {
		return err
	}
	var r metering.Record
	if err := json.Unmarshal(record, &r); err != nil {
		return fmt.Errorf("the record of call %s: %w", call, err)
	}
	frames, err := l.Evidence(ctx, call)
	if err != nil {
		return err
	}
	t, err := timeline.New(call, frames, record)
	if err != nil {
		return err
	}
	var seconds bytes.Buffer
	if err := t.Write(&seconds); err != nil {
		return err
	}
	proof, err := l.InclusionProof(ctx, r.Record, key)
	if err != nil {
		return err
	}
	if err := os.Mkdir(c.Into, 0o700); err != nil {
		return fmt.Errorf("making the folder of the pack: %w", err)
	}
	for name, text := range map[string][]byte{
		"itemisation.txt": itemisation(r), "timeline.txt": seconds.Bytes(), "record.json": record,
		"evidence.jsonl": append(bytes.Join(frames, []byte("\n")), '\n'), "proof.txt": proof,
	} {
		if err := os.WriteFile(filepath.Join(c.Into, name), text, 0o600); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(io.stdout, "the pack of call %s is in %s: itemisation.txt, timeline.txt, record.json, evidence.jsonl, proof.txt\n", call, c.Into)
	return err
}

// itemisation is the bill of one call, as the caller may see it: what was waiting, what was talk, what each costs.
func itemisation(r metering.Record) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "Call %s on service %s\n", r.Call, r.Service)
	fmt.Fprintf(&b, "From %s to %s (UTC)\nTariff %s\n\n", r.ArrivedAt, r.EndedAt, r.Tariff)
	zero := r.Charge
	zero.Minor = 0
	line := func(what string, ms int64, amount string) {
		d := time.Duration(ms) * time.Millisecond
		fmt.Fprintf(&b, "%-34s %12s %10s %s\n", what, d.Round(time.Millisecond), amount, r.Charge.Currency)
	}
	line("waiting, announcements, music", r.WaitedMs, zero.String())
	line("on hold", r.HeldMs, zero.String())
	line("not seen", r.UnseenMs, zero.String())
	line("talk with an operator", r.TalkMs, r.Charge.String())
	if r.Charge.Minor > 0 {
		fmt.Fprintf(&b, "\n%d whole seconds of talk were charged. Why: %s.\n", r.BillableSeconds, joined(r.Reasons))
	} else {
		fmt.Fprintf(&b, "\nNothing was charged. Why: %s.\n", joined(r.Reasons))
	}
	return []byte(b.String())
}

func joined(reasons []metering.Reason) string {
	words := make([]string, 0, len(reasons))
	for _, r := range reasons {
		words = append(words, strings.ReplaceAll(string(r), "_", " "))
	}
	return strings.Join(words, ", ")
}
