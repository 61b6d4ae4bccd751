package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/internal/gateway"
	"github.com/risposta/gateway/internal/live"
)

type topCommand struct {
	configFlag
	Plain bool `help:"Print once, without colours, and end; so it does where standard output is no terminal."`
}

// topEvery is how often the terminal is written anew: as often as the gateway makes a view.
const topEvery = 2 * time.Second

// Run shows what the running gateway meters, until ctx ends.
func (c topCommand) Run(ctx context.Context, std streams) error {
	conf, err := config.Load(c.Config, std.environ, config.AdminPassword)
	if err != nil {
		return usage{err}
	}
	height, terminal := terminalHeight(std.binary)
	if c.Plain || !terminal {
		v, err := gateway.Live(ctx, conf.Admin)
		if err != nil {
			return err
		}
		return v.Write(std.stdout, live.Plain)
	}
	ticker := time.NewTicker(topEvery)
	defer ticker.Stop()
	for {
		v, err := gateway.Live(ctx, conf.Admin)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		}
		if now, ok := terminalHeight(std.binary); ok {
			height = now
		}
		if err := draw(std.binary, v, height); err != nil {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// draw writes a view over the one before, cut to the height of the terminal.
func draw(w io.Writer, v live.View, height int) error {
	var b bytes.Buffer
	if err := v.Write(&b, paint); err != nil {
		return err
	}
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	if most := height - 1; len(lines) > most && most > 0 {
		lines = lines[:most]
	}
	const home, eraseLine, eraseBelow = "\x1b[H", "\x1b[K", "\x1b[J"
	_, err := fmt.Fprint(w, home, strings.Join(lines, eraseLine+"\n"), eraseLine+"\n", eraseBelow)
	return err
}

// colours are those of the states, as a terminal of 16 colours has them.
var colours = map[string]string{
	live.Charged: "1;34", live.Free: "32", live.Held: "33", live.Unseen: "1;31", live.Exempt: "35",
	live.Bad: "1;31",
}

func paint(kind, text string) string {
	if code, ok := colours[kind]; ok {
		return "\x1b[" + code + "m" + text + "\x1b[0m"
	}
	return text
}

// terminalHeight is the number of lines of a terminal.
func terminalHeight(w io.Writer) (lines int, ok bool) {
	f, ok := w.(*os.File)
	if !ok {
		return 0, false
	}
	size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0, false
	}
	return int(size.Row), true
}
