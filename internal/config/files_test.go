package config

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// fill sets each text of the configuration to its own key, and each list to one element.
func fill(v reflect.Value, key string) {
	switch {
	case v.Type() == secretType:
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), join(key, v.Type().Field(i).Tag.Get("yaml")))
		}
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), key+"[0]")
	case v.Kind() == reflect.String:
		v.SetString(key)
	}
}

// Every key that docs/configuration.md explains as a file is among the files, and what a secret may
// stand in is one.
func TestFilesAreAllFilesOfTheConfiguration(t *testing.T) {
	var c Config
	fill(reflect.ValueOf(&c).Elem(), "")
	got := map[string]NamedFile{}
	for _, f := range c.Files() {
		if f.Path != f.Key {
			t.Errorf("%s has the path of %s", f.Key, f.Path)
		}
		got[f.Key] = f
	}
	public := map[string]bool{}
	for key, f := range got {
		public[key] = !f.Secret
	}
	for key, want := range map[string]bool{
		"pbx[0].password_file": false, "pbx[0].ca_file": true, "pbx[0].listen.password_file": false,
		"pbx[0].listen.cert_file": true, "pbx[0].listen.key_file": false, "callers.key_file": false,
		"exemption.registry": false, "exemption.csv": false, "exemption.sql.dsn_file": false,
		"exemption.http.token_file": false, "exemption.http.ca_file": true, "ledger.key_file": false,
		"ledger.heads[0].ca_file": true, "ledger.heads[0].token_file": false,
		"delivery[0].webhook.ca_file": true, "delivery[0].webhook.token_file": false,
		"delivery[0].webhook.secret_file": false, "delivery[0].webhook.template_file": true,
		"delivery[0].postgres.dsn_file": false, "delivery[0].nats.ca_file": true,
		"delivery[0].nats.credentials_file": false, "delivery[0].nats.token_file": false,
		"ledger.postgres.dsn_file": false, "nats.ca_file": true, "nats.cert_file": true,
		"nats.key_file": false, "nats.credentials_file": false, "nats.token_file": false,
		"nats.password_file":  false,
		"admin.password_file": false, "admin.cert_file": true, "admin.key_file": false,
	} {
		if is, ok := public[key]; !ok || is != want {
			t.Errorf("%s: among the files %v, public %v, want %v", key, ok, is, want)
		}
		delete(public, key)
	}
	for key := range public {
		t.Errorf("%s is a file that this test does not know: is it a secret?", key)
	}
	text, err := os.ReadFile(referenceFile)
	if err != nil {
		t.Fatal(err)
	}
	keys := regexp.MustCompile("(?m)^- `([^`]+)` \\(text[^)]*\\): (The file|A CSV file)\\b")
	for _, m := range keys.FindAllStringSubmatch(string(text), -1) {
		key := strings.ReplaceAll(m[1], "[]", "[0]")
		if _, ok := got[key]; !ok && key != "ledger.file" {
			t.Errorf("docs/configuration.md calls %s a file, Files does not have it", key)
		}
	}
}
