package main

import (
	"fmt"
	"strings"

	"github.com/risposta/gateway/internal/logs"
)

type logsCommand struct {
	Explain logsExplain `cmd:"" help:"Say what an event of the log means, and what to do."`
}

type logsExplain struct {
	Event string `arg:"" help:"The event as the log has it, such as pbx.sync_lost."`
}

// Run explains one event.
func (c logsExplain) Run(io streams) error {
	e, ok := logs.Find(c.Event)
	if !ok {
		return usage{fmt.Errorf("%s is no event of the log; there are:\n%s", c.Event,
			strings.Join(logs.Names(), "\n"))}
	}
	return e.Write(io.stdout)
}
