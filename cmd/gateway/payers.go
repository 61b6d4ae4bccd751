package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/risposta/gateway/internal/config"
)

// payersCommand tells a company which pseudonyms its customers have, so that it need not get callers'
// numbers.
type payersCommand struct {
	configFlag
	Numbers string `help:"Customers' numbers, one a line; - is standard input." required:"" placeholder:"FILE"`
}

// Help says what is printed.
func (payersCommand) Help() string {
	return "Prints CSV: the line of a number, and the pseudonyms that its calls have in records, one for " +
		"each key of callers.key_file. It prints no number."
}

// maxBadNumbers bounds the bad lines that are printed of one file.
const maxBadNumbers = 1000

// Run prints the pseudonyms of all numbers that can be read, and each line that cannot.
func (c payersCommand) Run(_ context.Context, std streams) (err error) {
	conf, err := config.Load(c.Config, std.environ, config.CallersKey)
	if err != nil {
		return usage{err}
	}
	pseudonyms, err := conf.Pseudonyms()
	if err != nil {
		return usage{err}
	}
	in := io.NopCloser(io.Reader(os.Stdin))
	if c.Numbers != "-" {
		f, err := os.Open(c.Numbers)
		if err != nil {
			return usage{err}
		}
		in = f
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	out := bufio.NewWriter(std.stdout)
	fmt.Fprintln(out, "line,caller")
	reader, bad, line := conf.NumberReader(), 0, 0
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		line++
		text := strings.TrimSpace(lines.Text())
		if text == "" {
			continue
		}
		number, err := reader.Listed(text)
		if err != nil {
			if bad++; bad <= maxBadNumbers {
				fmt.Fprintf(std.stderr, "line %d: %v\n", line, err)
			}
			continue
		}
		for _, pseudonym := range pseudonyms.All(number) {
			fmt.Fprintf(out, "%d,%s\n", line, pseudonym)
		}
	}
	if err := errors.Join(lines.Err(), out.Flush()); err != nil {
		return fmt.Errorf("reading the numbers: %w", err)
	}
	if bad > 0 {
		return fmt.Errorf("%d lines have no number that can be read", bad)
	}
	return nil
}
