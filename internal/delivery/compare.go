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

// Compare asks the system of a delivery what it has, and compares it with the ledger.
func Compare(ctx context.Context, store Store, d config.Delivery) (c Comparison, err error) {
	sink, err := OpenSink(ctx, d)
	if err != nil {
		return c, err
	}
	defer sink.Close()
	h, ok := sink.(delivery.Holder)
	if !ok {
		return c, fmt.Errorf("delivery %s: the system cannot be asked what it has: give --held, with the "+
			"ids that it has", d.Name)
	}
	fields, err := delivery.Select(d.Fields)
	if err != nil {
		return c, err
	}
	return Verify(ctx, store, d.Name, fields, h.Held, h.Replaces())
}

// CompareList compares a list of the ids that a system has, one a line, with the ledger.
func CompareList(
	ctx context.Context, store Store, d config.Delivery, list io.Reader,
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
	return Verify(ctx, store, d.Name, fields, listed, d.Postgres.Query != "")
}
