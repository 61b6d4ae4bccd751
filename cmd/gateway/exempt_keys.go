package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/internal/ledgers"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
)

type exemptKeys struct{ configFlag }

// Help says what the counts are for.
func (exemptKeys) Help() string {
	return "A former key that nothing needs can be removed from callers.key_file. Until then records " +
		"under it can still be credited, and pending ones be resolved."
}

// Run prints the keys in the order of the key file, and what needs each.
func (c exemptKeys) Run(ctx context.Context, io streams) (err error) {
	r, err := c.openRegistry(ctx, io)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	uses, err := r.Keys(ctx)
	if err != nil {
		return err
	}
	pseudonyms, err := r.conf.Pseudonyms()
	if err != nil {
		return err
	}
	records, err := recordsUnderKeys(ctx, r.conf.Ledger, pseudonyms)
	if err != nil {
		return err
	}
	for i, u := range uses {
		n := records[u.ID]
		state := "current, "
		switch {
		case i == 0:
		case u.Only+n.records+n.waiting == 0:
			state = "former, not needed, "
		default:
			state = "former, still needed, "
		}
		fmt.Fprintf(io.stdout, "key %s: %s%d entitlements under this key alone, "+
			"%d records, %d pending or open\n", u.ID, state, u.Only, n.records, n.waiting)
		delete(records, u.ID)
	}
	var lost underKey
	for _, n := range records {
		lost.records += n.records
		lost.waiting += n.waiting
	}
	if lost != (underKey{}) {
		fmt.Fprintf(io.stdout, "keys that callers.key_file does not have: %d records, %d pending or open\n",
			lost.records, lost.waiting)
	}
	return nil
}

// underKey is what the ledger has under one key.
type underKey struct{ records, waiting int64 }

// recordsUnderKeys counts the calls whose detail is still kept, and those about whose caller the
// lookups may still be asked. A key that is not in the file has its own id, or "" where only a number
// was encrypted under it.
func recordsUnderKeys(
	ctx context.Context, conf config.Ledger, p *metering.Pseudonyms,
) (n map[string]underKey, err error) {
	n = map[string]underKey{}
	l, err := ledgers.Open(ctx, conf, ledger.ReadOnly)
	if ledgers.IsNone(err) {
		return n, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	err = l.Records(ctx, ledger.Query{}, func(text []byte) error {
		var r struct {
			Caller string `json:"caller"`
		}
		if err := json.Unmarshal(text, &r); err != nil {
			return fmt.Errorf("reading a record: %w", err)
		}
		if id := metering.KeyOf(r.Caller); id != "" {
			u := n[id]
			u.records++
			n[id] = u
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	pending, err := l.PendingRecords(ctx)
	if err != nil {
		return nil, err
	}
	open, err := l.OpenCalls(ctx, ledger.AnyNode)
	if err != nil {
		return nil, err
	}
	waits := func(encrypted []byte) {
		if encrypted == nil {
			return
		}
		u := n[p.EncryptedUnder(encrypted)]
		u.waiting++
		n[p.EncryptedUnder(encrypted)] = u
	}
	for _, r := range pending {
		waits(r.EncryptedCaller)
	}
	for _, c := range open {
		waits(c.EncryptedCaller)
	}
	return n, nil
}
