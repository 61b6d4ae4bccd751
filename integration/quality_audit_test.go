//go:build live

package integration

import (
	"os"
	"path/filepath"
	"testing"
)

// audit runs `risposta quality audit` on the logs of the harness's Asterisk.
func (h *harness) audit(t *testing.T) (text string, code int) {
	t.Helper()
	args := []string{"quality", "audit", "--period", month()}
	for flag, log := range map[string]string{
		"--cel": "cel-custom/cel.csv", "--queue-log": "queue_log",
	} {
		text, err := h.pbx.Log(h.ctx, log)
		path := filepath.Join(h.dir, filepath.Base(log))
		if err == nil {
			err = os.WriteFile(path, []byte(text), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		args = append(args, flag, path)
	}
	text, code, err := h.gw.Command(h.ctx, args...)
	if err != nil {
		t.Fatal(err)
	}
	return text, code
}
