package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/risposta/gateway/internal/config"
)

// What is wrong in the text stays wrong; what comes from elsewhere may come later.
func TestOnlyTheTextNeedsAnEdit(t *testing.T) {
	wrong := swap(t, "operators:", "operator:")
	late := swap(t, "username: risposta", "username: risposta\n    password_file: /run/secrets/ari")
	for name, c := range map[string]struct {
		text string
		env  []string
		want bool
	}{
		"no YAML":            {"pbx: [", secrets, true},
		"an unknown key":     {wrong, secrets, true},
		"a wrong price":      {swap(t, `"0.96"`, `"0.96x"`), secrets, true},
		"no text yet":        {"", secrets, true},
		"no secret":          {good, secrets[1:3], false},
		"a short secret":     {good, []string{secrets[0], "RISPOSTA_CALLERS_KEY=short", secrets[2]}, false},
		"no secret's file":   {late, secrets[1:], false},
		"a wrong variable":   {good, append([]string{"RISPOSTA_OPERATOR=x"}, secrets...), false},
		"text and variable":  {wrong, append([]string{"RISPOSTA_OPERATOR=x"}, secrets...), true},
		"text and no secret": {swap(t, `"0.96"`, `"0.96x"`), secrets[2:], true},
	} {
		_, err := config.Parse("gw.yaml", []byte(c.text), c.env, config.AllSecrets, noFiles)
		if err == nil || config.NeedsEdit(err) != c.want {
			t.Errorf("%s: needs an edit: %t, want %t: %v", name, !c.want, c.want, err)
		}
		if wrapped := fmt.Errorf("loading: %w", err); config.NeedsEdit(wrapped) != c.want {
			t.Errorf("%s, wrapped: needs an edit: %t, want %t", name, !c.want, c.want)
		}
	}
	none := filepath.Join(t.TempDir(), "none.yaml")
	if _, err := config.Load(none, os.Environ(), config.AllSecrets); err == nil || config.NeedsEdit(err) {
		t.Errorf("a file that is not there yet needs an edit: %v", err)
	}
	if config.NeedsEdit(nil) {
		t.Error("no error needs an edit")
	}
}
