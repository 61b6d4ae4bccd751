package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// `risposta proxy` serves one PBX, and says which where it cannot tell.
func TestProxyNeedsOnePBX(t *testing.T) {
	file := filepath.Join(t.TempDir(), "proxy.yaml")
	pbx := func(name, port string) string {
		return `  - {name: ` + name + `, url: "http://127.0.0.1:` + port + `/ari", username: risposta, ` +
			`password_file: "` + file + `", proxy: {nats: {url: "nats://127.0.0.1:1"}}}` + "\n"
	}
	text := "pbx:\n" + pbx("one", "8088") + pbx("two", "8089") + "admin: {listen: 127.0.0.1:0}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "has 2 PBXs: name one with --pbx"},
		{[]string{"--pbx", "three"}, `has no PBX with the name "three"`},
	} {
		var out bytes.Buffer
		args := append([]string{"proxy", "--config", file}, c.args...)
		if code := run(t.Context(), args, nil, &out, &out); code != exitUsage ||
			!strings.Contains(out.String(), c.want) {
			t.Errorf("%v: exit %d, %s; want %d, %s", c.args, code, out.String(), exitUsage, c.want)
		}
	}
}
