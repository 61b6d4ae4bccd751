package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What runs beside a PBX is for one, and says so.
func TestTapAndProxyTakeOnePBX(t *testing.T) {
	file := filepath.Join(t.TempDir(), "beside.yaml")
	pbx := func(name, port string) string {
		return `  - {name: ` + name + `, url: "http://127.0.0.1:` + port + `/ari", username: risposta, ` +
			`password_file: "` + file + `"}` + "\n"
	}
	text := "pbx:\n" + pbx("one", "8088") + pbx("two", "8089") + "admin: {listen: 127.0.0.1:0}\n" +
		`nats: {urls: ["nats://127.0.0.1:1"]}` + "\ntap: {folder: /nowhere}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"tap", "proxy"} {
		var out bytes.Buffer
		code := run(t.Context(), []string{command, "--config", file}, nil, &out, &out)
		if code == 0 || !strings.Contains(out.String(), "has 2 PBXs: give the one that this runs beside") {
			t.Errorf("%s: exit %d, %s", command, code, out.String())
		}
	}
}
