package config_test

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/risposta/gateway/internal/config"
)

const sampleFile = "../../deploy/gateway.yaml"

func sample(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile(sampleFile)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestSampleLoads(t *testing.T) {
	secretFiles := func(string) ([]byte, error) { return []byte(key), nil }
	_, err := config.Parse(sampleFile, sample(t), nil, config.AllSecrets, secretFiles)
	if err != nil {
		t.Error(err)
	}
}

// keyNames are the names of all keys, without those of secrets, which no file may hold.
func keyNames(typ reflect.Type, names map[string]bool) {
	switch {
	case typ.Kind() == reflect.Slice:
		keyNames(typ.Elem(), names)
	case typ.Kind() == reflect.Struct:
		for i := range typ.NumField() {
			f := typ.Field(i)
			if f.Type == reflect.TypeFor[config.Secret]() {
				continue
			}
			names[f.Tag.Get("yaml")] = true
			keyNames(f.Type, names)
		}
	}
}

var (
	// commented is a line of YAML behind a comment sign.
	commented = regexp.MustCompile(`^#\s*(-\s*)?\{?[a-z_]+:(\s|$)`)
	keyInLine = regexp.MustCompile(`[{,#\-\s]([a-z_]+):(?:\s|$)`)
)

// The sample shows every key, some of them in comments, and no other.
func TestSampleHasEveryKeyAndNoOther(t *testing.T) {
	names := map[string]bool{}
	keyNames(reflect.TypeFor[config.Config](), names)
	shown := map[string]bool{}
	for line := range strings.Lines(string(sample(t))) {
		yaml := strings.TrimSpace(line)
		if strings.HasPrefix(yaml, "#") {
			if !commented.MatchString(yaml) {
				continue
			}
			yaml = strings.TrimSpace(yaml[1:])
		}
		yaml, _, _ = strings.Cut(yaml, " # ") // a remark behind the value is prose
		for _, m := range keyInLine.FindAllStringSubmatch(" "+yaml+" ", -1) {
			shown[m[1]] = true
			if !names[m[1]] {
				t.Errorf("%s shows %s, which is no key: %s", sampleFile, m[1], yaml)
			}
		}
	}
	for name := range names {
		if !shown[name] {
			t.Errorf("%s does not show the key %s", sampleFile, name)
		}
	}
}

// yamlBlock is an example of configuration in a document.
var yamlBlock = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$")

// The examples of docs/freepbx.md load, with the rest of the sample.
func TestFreePBXExampleLoads(t *testing.T) {
	text, err := os.ReadFile("../../docs/freepbx.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := yamlBlock.FindAllStringSubmatch(string(text), -1)
	if len(blocks) == 0 {
		t.Fatal("docs/freepbx.md has no example")
	}
	const rest = "pbx: [{url: \"http://127.0.0.1:8088/ari\", username: risposta}]\nledger: {file: l.db}\n"
	for _, b := range blocks {
		if _, err := config.Parse("freepbx.md", []byte(b[1]+rest), nil, config.NoSecrets, nil); err != nil {
			t.Error(err)
		}
	}
}
