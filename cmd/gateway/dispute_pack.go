package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/risposta/gateway/internal/audit"
	"github.com/risposta/gateway/metering"
)

type disputePack struct {
	readFlags
	keyFlag
	Into string `help:"The folder to make; it must not exist yet." type:"path" required:"" placeholder:"FOLDER"`
	Call string `arg:"" help:"The call as the records name it."`
}

// Run writes itemisation.txt, timeline.txt, record.json, evidence.jsonl and proof.txt. None of them
// holds the caller's number.
func (c disputePack) Run(ctx context.Context, io streams) (err error) {
	keys, err := c.verifiers(c.readFlags, io)
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
	proof, err := l.InclusionProof(ctx, r.Record, keys)
	if err != nil {
		return err
	}
	files, err := audit.Pack(record, frames, proof)
	if err != nil {
		return err
	}
	if err := os.Mkdir(c.Into, 0o700); err != nil {
		return fmt.Errorf("making the folder of the pack: %w", err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(c.Into, name), text, 0o600); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(io.stdout, "the pack of call %s is in %s: itemisation.txt, timeline.txt, "+
		"record.json, evidence.jsonl, proof.txt\n", call, c.Into)
	return err
}
