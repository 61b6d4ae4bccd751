package delivery

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/metering/delivery"
)

// Compare asks the system of a delivery what it has, and compares it with the logs of the ledger.
func Compare(ctx context.Context, logs []Log, d config.Delivery) (c Comparison, err error) {
	fields, err := delivery.Select(d.Fields)
	if err != nil {
		return c, err
	}
	var asked []held
	replaces := false
	for i, log := range logs {
		if i > 0 && d.File.Folder == "" {
			break // one system has what all nodes have sent
		}
		sink, err := OpenSink(ctx, d, log.Node)
		if err != nil {
			return c, err
		}
		defer sink.Close()
		h, ok := sink.(delivery.Holder)
		if !ok {
			return c, fmt.Errorf("delivery %s: the system cannot be asked what it has: give --held, with "+
				"the ids that it has", d.Name)
		}
		asked, replaces = append(asked, h.Held), h.Replaces()
	}
	all := func(ctx context.Context, f func(id, digest string) error) error {
		for _, has := range asked {
			if err := has(ctx, f); err != nil {
				return err
			}
		}
		return nil
	}
	return Verify(ctx, logs, d.Name, fields, all, replaces)
}

// CompareList compares a list of the ids that a system has, one a line, with the logs of the ledger.
func CompareList(
	ctx context.Context, logs []Log, d config.Delivery, list io.Reader,
) (c Comparison, err error) {
	fields, err := delivery.Select(d.Fields)
	if err != nil {
		return c, err
	}
	listed := func(_ context.Context, f func(id, digest string) error) error {
		lines := bufio.NewScanner(list)
		for lines.Scan() {
			if id := strings.TrimSpace(lines.Text()); id != "" {
				if err := f(id, ""); err != nil {
					return err
				}
			}
		}
		return lines.Err()
	}
	return Verify(ctx, logs, d.Name, fields, listed, d.Postgres.Query != "")
}
