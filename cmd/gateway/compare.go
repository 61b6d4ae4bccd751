package main

import (
	"context"
	"fmt"
	"os"

	"github.com/risposta/gateway/internal/audit"
	"github.com/risposta/gateway/internal/report"
)

type compareCommand struct {
	Keys     string   `help:"The companies' public keys, one a line." type:"existingfile" required:"" placeholder:"FILE"`
	Format   string   `help:"html or csv." enum:"html,csv" default:"html"`
	Language string   `help:"The language of html: en or it." enum:"en,it" default:"en"`
	Files    []string `arg:"" help:"Reports that companies have published." type:"existingfile"`
}

// Run puts the reports side by side. A file whose signature does not hold is named, and nothing is
// compared.
func (c compareCommand) Run(_ context.Context, io streams) error {
	keys, err := audit.Verifiers(c.Keys)
	if err != nil {
		return err
	}
	var all []report.Published
	for _, file := range c.Files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		p, err := report.OpenPublished(text, keys)
		if err != nil {
			return fmt.Errorf("reading %s: %w", file, err)
		}
		all = append(all, p)
	}
	compared, err := report.Compare(all)
	if err != nil {
		return err
	}
	if c.Format == "csv" {
		return compared.WriteCSV(io.stdout)
	}
	return compared.WriteHTML(io.stdout, c.Language)
}
