package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"golang.org/x/mod/sumdb/note"
)

// Published is the report of a company as it is published.
type Published struct {
	Company string `json:"company"`
	Report
}

// maxPublished bounds a published report. A signed note may not be larger.
const maxPublished = 1_000_000

// Publish writes the report as JSON, an empty line, and the signature of both: a signed note, as the
// heads of the ledger are. It leaves out the operators: their figures are those of a person at work,
// and no comparison of companies needs them.
func (p Published) Publish(w io.Writer, signer note.Signer) error {
	if p.Company == "" {
		return errors.New("publishing the report: the company has no name")
	}
	p.Services = slices.Clone(p.Services)
	for i := range p.Services {
		p.Services[i].Operators = []Part{}
	}
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return fmt.Errorf("publishing the report: %w", err)
	}
	if len(text) > maxPublished {
		return fmt.Errorf("publishing the report: it has %d bytes, at most %d can be signed: publish "+
			"one service at a time", len(text), maxPublished)
	}
	signed, err := note.Sign(&note.Note{Text: string(text) + "\n"}, signer)
	if err != nil {
		return fmt.Errorf("signing the report: %w", err)
	}
	_, err = w.Write(signed)
	return err
}

// OpenPublished reads what [Published.Publish] wrote, and checks its signature by the key among
// these that made it.
func OpenPublished(text []byte, keys note.Verifiers) (p Published, err error) {
	n, err := note.Open(text, keys)
	if err != nil {
		return p, fmt.Errorf("the signature is not of this content by a known key: it was changed, or "+
			"the company's key is missing: %w", err)
	}
	if err := json.Unmarshal([]byte(n.Text), &p); err != nil {
		return p, fmt.Errorf("it is signed, and no report: %w", err)
	}
	if p.Format != Format {
		return p, fmt.Errorf("it has format %d, want %d", p.Format, Format)
	}
	return p, nil
}
