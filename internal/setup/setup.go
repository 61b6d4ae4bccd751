// Package setup makes the first configuration of a gateway.
//
// In: [Answers]. Out: a configuration that loads, the secrets that it names, and the lines for the
// PBX's ari.conf, each in a new file of one folder. It never writes over a file, and where it fails
// it leaves none. It contacts no PBX.
package setup

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"go.yaml.in/yaml/v3"

	"github.com/risposta/gateway/internal/config"
)

// Answers are what a first configuration needs to be told. DID and Price may be empty: then the
// service is metered and free.
type Answers struct {
	PBX       string   // ARI's address
	Operators []string // patterns of endpoints
	Number    string   // that callers dial, as the dialplan has it
	Context   string
	Callers   []string // patterns of endpoints; none: any that is no operator's
	DID       string
	Price     string // of a minute
	Currency  string
	Law       string
	Country   string // code, such as 39
	State     string // the folder of the ledger
}

// The names of the files, beside the configuration.
const (
	keyName      = "caller-key"
	passwordName = "ari-password"
	ariName      = "ari-user.conf"
)

// Files are what Write has written.
type Files struct{ Config, Key, Password, ARI string }

const ariText = `; The gateway's user, made by risposta setup. It belongs at the end of /etc/asterisk/ari.conf; in
; FreePBX into /etc/asterisk/ari_additional_custom.conf.
[general](+)
; With the default, 100 ms, Asterisk disconnects a gateway whose machine pauses.
websocket_write_timeout = 2000

[risposta]
type = user
read_only = no
password_format = plain
password = %s
`

// Write makes the files; file is the path of the configuration. The group of its folder may read
// them. An error names every problem, and then no file is left.
func Write(file string, a Answers) (Files, error) {
	dir := filepath.Dir(file)
	f := Files{
		Config: file, Key: filepath.Join(dir, keyName), Password: filepath.Join(dir, passwordName),
		ARI: filepath.Join(dir, ariName),
	}
	text := a.configuration(f)
	key := make([]byte, 32)
	rand.Read(key)
	password := rand.Text()
	content := map[string]string{
		f.Config: text, f.Key: hex.EncodeToString(key) + "\n", f.Password: password + "\n",
		f.ARI: fmt.Sprintf(ariText, password),
	}
	secrets := func(name string) ([]byte, error) { return []byte(content[name]), nil }
	if _, err := config.Parse(file, []byte(text), nil, config.AllSecrets, secrets); err != nil {
		return f, err
	}
	return f, writeNew(dir, content)
}

// writeNew writes all files, or none.
func writeNew(dir string, content map[string]string) (err error) {
	folder, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("the folder of the configuration: %w", err)
	}
	var written []string
	defer func() {
		if err != nil {
			for _, name := range written {
				err = errors.Join(err, os.Remove(name))
			}
		}
	}()
	for name := range content { // all of them, before the first is written
		if _, err := os.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s exists: setup writes over nothing; edit it, or move it away", name)
		}
	}
	for name, text := range content {
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		written = append(written, name)
		if stat, ok := folder.Sys().(*syscall.Stat_t); ok {
			err = f.Chown(-1, int(stat.Gid))
		}
		_, werr := f.WriteString(text)
		if err = errors.Join(err, werr, f.Chmod(0o640), f.Sync(), f.Close()); err != nil {
			return err
		}
	}
	return nil
}

// configuration is the file's text: what differs from the defaults, each with its reason.
func (a Answers) configuration(f Files) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# Made by risposta setup. /usr/share/doc/risposta/examples/gateway.yaml shows every key.")
	line("pbx:\n  - name: pbx1\n    url: %s\n    username: risposta\n    password_file: %s",
		quote(a.PBX), quote(f.Password))
	line("\n# Endpoints of human operators. Talk with anyone else is free.\noperators: %s",
		list(a.Operators))
	line("\nservices:\n  - name: %s\n    number: %[1]s\n    context: %s", quote(a.Number), quote(a.Context))
	if len(a.Callers) > 0 {
		line("    callers: %s", list(a.Callers))
	}
	if a.DID != "" {
		line("    did: %s", quote(a.DID))
	}
	if a.Price != "" {
		line("    tariff: standard\n\ntariffs:\n  - name: standard\n    per_minute: %s\n"+
			"    increment: 1s\n    currency: %s", quote(a.Price), quote(a.Currency))
	}
	line("\nlaw: {policy: %s}", quote(a.Law))
	line("\n# The key of callers' pseudonyms. Keep a copy elsewhere.\ncallers:\n  key_file: %s",
		quote(f.Key))
	if a.Country != "" {
		line("  country_code: %s", quote(a.Country))
	}
	line("\nledger: {file: %s}", quote(filepath.Join(a.State, "ledger.db")))
	return b.String()
}

func list(texts []string) string {
	quoted := make([]string, len(texts))
	for i, t := range texts {
		quoted[i] = quote(t)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// quote is a text as YAML has it, in double quotes.
func quote(text string) string {
	b, err := yaml.Marshal(&yaml.Node{Kind: yaml.ScalarNode, Style: yaml.DoubleQuotedStyle, Value: text})
	if err != nil {
		panic("setup: a text does not encode: " + err.Error()) // every text can be encoded
	}
	return strings.TrimSpace(string(b))
}
