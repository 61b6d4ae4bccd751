package registry_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/exemption/registry"
)

// While an import writes the register, lookups answer at once, also for callers who are known under
// a former key alone.
func TestALookupDoesNotWaitForAnImport(t *testing.T) {
	file := newFile(t)
	former := open(t, file, formerKey)
	add(t, former, "2026-01-01", registry.Grant{
		Number: number("0612345678"), Entitlement: registry.Entitlement{From: day("2026-01-01")},
	})
	r := open(t, file, presentKey, formerKey)
	importing, err := sql.Open("sqlite", "file:"+file+"?_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	tx, err := importing.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	begin := time.Now()
	got, err := r.Exempt(ctx, number("0612345678"), day("2026-06-01"))
	if took := time.Since(begin); took > time.Second {
		t.Errorf("the lookup waited %s for an import", took)
	}
	if err != nil || got.Verdict != metering.ExemptYes {
		t.Errorf("%s, %v; want yes", got.Verdict, err)
	}
	if err := errors.Join(tx.Rollback(), importing.Close()); err != nil {
		t.Error(err)
	}
}
