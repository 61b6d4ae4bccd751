package config_test

import (
	"regexp"
	"testing"

	"github.com/risposta/gateway/internal/config"
)

// The ids of records lead nowhere: their names are random, and never the same.
func TestRecordNamesAreRandom(t *testing.T) {
	c, err := config.Parse("gw.yaml", []byte(good), secrets, config.AllSecrets, noFiles)
	if err != nil {
		t.Fatal(err)
	}
	rules, err := c.Rules()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for range 1000 {
		names[rules.RecordName()] = true
	}
	form := regexp.MustCompile(`^[a-z2-7]{20}$`)
	for name := range names {
		if !form.MatchString(name) {
			t.Errorf("the name %q", name)
		}
	}
	if len(names) != 1000 {
		t.Errorf("%d different names of 1000", len(names))
	}
}
