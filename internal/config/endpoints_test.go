package config_test

import (
	"strings"
	"testing"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/internal/config"
)

// Patterns that match channels of Asterisk 22, by the name of one that each matches.
func TestPatternsOfEndpoints(t *testing.T) {
	for pattern, name := range map[string]string{
		"PJSIP/agent*": "PJSIP/agent1-00000001", "PJSI?/agent1": "PJSIP/agent1-00000001",
		"DAHDI/i*/*": "DAHDI/i1/0612345678-1", "DAHDI/i1/*": "DAHDI/i1/0612345678-1",
		"DAHDI/[0-9]*": "DAHDI/12-1", "DAHDI/1": "DAHDI/1-1", "IAX2/trunk": "IAX2/trunk-1234",
		"Console/*": "Console/default-1",
	} {
		text := swap(t, "PJSIP/agent*", pattern)
		c, err := config.Parse("gw.yaml", []byte(text), secrets, config.AllSecrets, noFiles)
		if err != nil {
			t.Errorf("%s: %v", pattern, err)
			continue
		}
		rules, err := c.Rules()
		if err != nil {
			t.Fatal(err)
		}
		if channel := (ari.Channel{Name: name}); !rules.Operators.Match(channel.Endpoint()) {
			t.Errorf("%s does not match %s", pattern, name)
		}
	}
}

// A carrier may write parameters behind the number, and a + before it.
func TestFormsOfAServicesExtension(t *testing.T) {
	c, err := config.Parse("gw.yaml", []byte(good), secrets, config.AllSecrets, noFiles)
	if err != nil {
		t.Fatal(err)
	}
	rules, err := c.Rules()
	if err != nil {
		t.Fatal(err)
	}
	for exten, want := range map[string]bool{
		"1001": true, "+1001": true, "1001;npdi;rn=+3906": true, "+1001;npdi": true,
		"10012": false, "1001x": false, ";1001": false, "": false, "11001": false,
	} {
		ch := ari.Channel{Name: "PJSIP/trunk-00000001", Context: "from-trunk", Exten: exten}
		if name, got := rules.Service(ch); got != want || got && name != "help" {
			t.Errorf("%q is a service: %q, %v; want %v", exten, name, got, want)
		}
	}
	if !rules.ServiceContext("from-trunk") || rules.ServiceContext("agents") {
		t.Error("only from-trunk is a service's context")
	}
}

// The names of channels have no telephone number by the time that a pattern sees them.
func TestPatternsOfTelephoneNumbersAreRefused(t *testing.T) {
	text := swap(t, "PJSIP/agent*", "DAHDI/i1/0612345678")
	_, err := config.Parse("gw.yaml", []byte(text), secrets, config.AllSecrets, noFiles)
	if err == nil || !strings.Contains(err.Error(), "a telephone number in the name of a channel is masked") {
		t.Errorf("got %v", err)
	}
}
