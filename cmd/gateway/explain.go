package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/risposta/gateway/internal/timeline"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
)

type explainCommand struct {
	readFlags
	JSON     bool   `help:"Print one JSON object instead of a text."`
	Evidence bool   `help:"Print the evidence, one frame a line, instead of a text."`
	Call     string `arg:"" help:"The call as the records name it: the unique id of the caller's channel."`
}

// Run replays the evidence of the call and shows what each second was.
func (c explainCommand) Run(ctx context.Context, io streams) (err error) {
	l, err := c.openReadOnly(ctx, io)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	call := metering.CallID(c.Call)
	frames, err := l.Evidence(ctx, call)
	if err != nil {
		return err
	}
	if len(frames) == 0 {
		return fmt.Errorf("call %s: %w", call, ledger.ErrNotFound)
	}
	if c.Evidence {
		for _, f := range frames {
			if _, err := fmt.Fprintf(io.stdout, "%s\n", f); err != nil {
				return err
			}
		}
		return nil
	}
	record, err := l.Record(ctx, call)
	if err != nil && !errors.Is(err, ledger.ErrNotFound) {
		return err
	}
	t, err := timeline.New(call, frames, record)
	if err != nil {
		return err
	}
	if !c.JSON {
		return t.Write(io.stdout)
	}
	text, err := t.JSON()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(io.stdout, "%s\n", text)
	return err
}
