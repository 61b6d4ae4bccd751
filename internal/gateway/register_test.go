package gateway_test

import (
	"bytes"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/ari/aritest"
	"github.com/risposta/gateway/metering/exemption/registry"
)

// The register goes while the gateway runs. Its callers may have been in it: the record is pending,
// and charges nothing, until the register is back and answers no.
func TestRegisterThatGoesChargesNobody(t *testing.T) {
	pbx := aritest.New()
	defer pbx.Close()
	dir := t.TempDir()
	register := filepath.Join(dir, "exempt.db")
	conf := configure(t, pbx, dir, "")
	r := start(t, pbx, conf)
	r.until("pbx.synced", 1)
	r.untilMetric("risposta_exemption_register_usable 1")
	if err := os.Rename(register, register+".away"); err != nil {
		t.Fatal(err)
	}
	r.until("exemption.register_unusable", 1)
	r.untilMetric("risposta_exemption_register_usable 0")
	for _, frame := range holdTransfer(t) {
		r.send(frame)
	}
	r.until(`"state":"pending"`, 1)
	if rec := r.record(); rec.TalkMs != 9478 || rec.Amount != "0.00" {
		t.Errorf("while the register is away: talk %d ms, %s EUR", rec.TalkMs, rec.Amount)
	}
	r.stop()

	// It is not made anew.
	r = start(t, pbx, conf)
	r.until("exemption.register_unusable", 1)
	if _, err := os.Stat(register); !os.IsNotExist(err) {
		t.Errorf("an empty register was made: %v", err)
	}
	if err := os.Rename(register+".away", register); err != nil {
		t.Fatal(err)
	}
	r.until("exemption.register_usable", 1)
	r.until(`"reasons":["talk","answered_early","resolved"]`, 1)
	r.stop()
	if rec := r.record(); rec.Amount != "0.14" || !strings.Contains(r.log.String(), `"state":"final"`) {
		t.Errorf("resolved: %s EUR", rec.Amount)
	}
}

// What is deleted from the register beside a running gateway is gone from its files, also where a
// reader stood in the way of the command that deleted it.
func TestDeletedEntitlementsLeaveTheRegisterOfARunningGateway(t *testing.T) {
	pbx := aritest.New()
	defer pbx.Close()
	dir := t.TempDir()
	file := filepath.Join(dir, "exempt.db")
	conf := configure(t, pbx, dir, "")
	r := start(t, pbx, conf)
	r.until("pbx.synced", 1)
	pseudonyms, err := conf.Pseudonyms()
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	command := registry.New(registry.Config{Path: file, CountryCode: "39", Pseudonyms: pseudonyms})
	by := registry.Author{Name: "anna", At: time.Now()}
	number, err := command.ReadNumber("0612345678")
	if err != nil {
		t.Fatal(err)
	}
	_, err = command.Add(ctx, by, registry.Grant{Number: number, Entitlement: registry.Entitlement{
		Ref: "e-1", Category: "because of an illness", From: by.At.AddDate(-2, 0, 0), Until: by.At.AddDate(-1, 0, 0),
	}})
	if err != nil {
		t.Fatal(err)
	}
	reader, err := sql.Open("sqlite", "file:"+file+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	reading, err := reader.Begin()
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if err := reading.QueryRow(`SELECT count(*) FROM entitlement`).Scan(&n); err != nil || n != 1 {
		t.Fatalf("%d, %v", n, err)
	}
	if n, err := command.Expire(ctx, by, time.Now()); err != nil || n != 1 {
		t.Fatalf("expired %d, %v", n, err)
	}
	left := func() (files []string) {
		for _, suffix := range []string{"", "-wal"} {
			text, err := os.ReadFile(file + suffix)
			if err == nil && bytes.Contains(text, []byte("because of an illness")) {
				files = append(files, "exempt.db"+suffix)
			}
		}
		return files
	}
	if len(left()) == 0 {
		t.Fatal("nothing is left beside a reader: the test shows nothing")
	}
	if err := errors.Join(reading.Rollback(), reader.Close(), command.Close()); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(deadline); len(left()) > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("deleted bytes are left in %q", left())
		}
	}
	r.stop()
}
