package lookups_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/internal/config"
	"github.com/risposta/gateway/internal/lookups"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/exemption"
	"github.com/risposta/gateway/metering/exemption/registry"
	"github.com/risposta/gateway/metering/ledger"
	_ "github.com/risposta/gateway/metering/ledger/sqlite"
)

func configured(t *testing.T) *config.Config {
	t.Helper()
	text := `
pbx: [{name: main, url: "http://127.0.0.1:1/ari", username: u}]
operators: ["PJSIP/agent*"]
services: [{number: "1001", context: from-trunk}]
callers: {country_code: "39"}
ledger: {file: ` + filepath.Join(t.TempDir(), "ledger.db") + "}\n"
	env := []string{"RISPOSTA_CALLERS_KEY=" + strings.Repeat("0123456789abcdef", 4)}
	conf, err := config.Parse("gw.yaml", []byte(text), env, config.CallersKey, os.ReadFile)
	if err != nil {
		t.Fatal(err)
	}
	return conf
}

// ask opens the lookups as a run does, and asks about somebody who is in none.
func ask(t *testing.T, conf *config.Config) (metering.Verdict, error) {
	t.Helper()
	all, err := lookups.Open(t.Context(), conf, exemption.Observer{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := all.Exempt(t.Context(), metering.NewNumber("+390612345678"), time.Now())
	if cerr := all.Close(); cerr != nil {
		t.Fatal(cerr)
	}
	return got.Verdict, err
}

func makeLedger(t *testing.T, conf *config.Config) {
	t.Helper()
	l, err := ledger.Open(t.Context(), conf.Ledger.File, ledger.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestFirstRunMakesTheRegisterAndNoOther(t *testing.T) {
	conf := configured(t)
	if v, err := ask(t, conf); v != metering.ExemptNo || err != nil {
		t.Errorf("the first run: %s, %v", v, err)
	}
	makeLedger(t, conf)
	if err := os.Remove(conf.Exemption.Registry); err != nil {
		t.Fatal(err)
	}
	if v, err := ask(t, conf); v != metering.ExemptUnknown || !errors.Is(err, registry.ErrMissing) {
		t.Errorf("once there is a ledger: %s, %v; want unknown", v, err)
	}
	if made, err := lookups.Init(t.Context(), conf); !made || err != nil {
		t.Errorf("init: %v, %v", made, err)
	}
	if v, err := ask(t, conf); v != metering.ExemptNo || err != nil {
		t.Errorf("after init: %s, %v", v, err)
	}
}

func TestLedgerKnowsTheRegister(t *testing.T) {
	conf := configured(t)
	makeLedger(t, conf)
	if _, err := lookups.Init(t.Context(), conf); err != nil {
		t.Fatal(err)
	}
	// Another one takes its place; a ledger alone does not make it known.
	if err := os.Remove(conf.Exemption.Registry); err != nil {
		t.Fatal(err)
	}
	moved := *conf
	moved.Ledger.File += ".none"
	if _, err := lookups.Init(t.Context(), &moved); err != nil {
		t.Fatal(err)
	}
	if v, err := ask(t, conf); v != metering.ExemptUnknown || !errors.Is(err, registry.ErrRefused) {
		t.Errorf("another register: %s, %v; want unknown", v, err)
	}
	if made, err := lookups.Init(t.Context(), conf); made || err != nil {
		t.Errorf("init: %v, %v", made, err)
	}
	if v, err := ask(t, conf); v != metering.ExemptNo || err != nil {
		t.Errorf("accepted: %s, %v", v, err)
	}
}
