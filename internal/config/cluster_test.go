package config_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/risposta/gateway/internal/config"
)

// A meter, and what runs beside a PBX, as docs/cluster.md has them.
const (
	clusterNATS = `nats:
  urls: ["tls://nats1.example:4222"]
  username: meter
`
	goodMeter = `source: cluster
meter: {name: meter1}
` + clusterNATS + `operators: ["PJSIP/agent*"]
services:
  - {number: "1001", context: from-trunk, tariff: standard, did: "+390612345678"}
tariffs:
  - {name: standard, per_minute: "0.96", increment: 1s, currency: EUR}
law: {policy: it}
exemption: {csv: exempt.csv}
ledger: {postgres: {dsn_file: dsn}, key_file: key}
`
	goodTap = `pbx:
  - {url: "http://127.0.0.1:8088/ari", username: risposta}
` + clusterNATS + `operators: ["PJSIP/agent*"]
tap: {folder: /var/lib/risposta/tap}
`
)

var clusterSecrets = []string{
	"RISPOSTA_NATS_PASSWORD=s3cret-nats", "RISPOSTA_CALLERS_KEY=" + key,
	"RISPOSTA_CALLERS_COUNTRY_CODE=39", "RISPOSTA_LEDGER_POSTGRES_DSN=host=s3cret",
}

var besideSecrets = []string{"RISPOSTA_NATS_PASSWORD=s3cret-nats", "RISPOSTA_PBX_0_PASSWORD=s3cret"}

func TestConfigurationsOfACluster(t *testing.T) {
	for what, c := range map[string]struct {
		text  string
		env   []string
		needs config.Needs
	}{
		"a meter": {goodMeter, clusterSecrets, config.AllSecrets},
		"a tap":   {goodTap, besideSecrets, config.TapSecrets},
		"a proxy": {strings.Replace(goodTap, "tap: {folder: /var/lib/risposta/tap}\n", "", 1),
			besideSecrets, config.ProxySecrets},
	} {
		got, err := config.Parse("gw.yaml", []byte(c.text), c.env, c.needs, noFiles)
		switch {
		case err != nil:
			t.Errorf("%s: %v", what, err)
		case got.NATS.Password.Reveal() != "s3cret-nats" || got.NATS.Stream != "RISPOSTA_FRAMES":
			t.Errorf("%s: %+v", what, got.NATS)
		}
	}
}

// clusterProblem is one text in place of another, or one at the end.
type clusterProblem struct{ old, replace, want string }

func checkCluster(
	t *testing.T, good string, env []string, needs config.Needs, problems map[string]clusterProblem,
) {
	t.Helper()
	for name, p := range problems {
		t.Run(name, func(t *testing.T) {
			text := good + p.replace
			if p.old != "" {
				text = strings.Replace(good, p.old, p.replace, 1)
			}
			if text == good {
				t.Fatalf("%q is not in the good configuration", p.old)
			}
			_, err := config.Parse("gw.yaml", []byte(text), env, needs, noFiles)
			if err == nil || !strings.Contains(err.Error(), p.want) {
				t.Fatalf("got %v\nwant %s", err, p.want)
			}
			if strings.Contains(err.Error(), "s3cret") {
				t.Errorf("a secret is in the error: %v", err)
			}
		})
	}
}

func TestProblemsOfAMeter(t *testing.T) {
	checkCluster(t, goodMeter, clusterSecrets, config.AllSecrets, map[string]clusterProblem{
		"another source": {"source: cluster", "source: kafka",
			`source: "kafka" is neither pbx nor cluster`},
		"its own PBX": {"", "pbx: [{url: \"http://127.0.0.1:8088/ari\", username: r}]\n",
			"pbx: is of a tap"},
		"no NATS": {"  urls: [\"tls://nats1.example:4222\"]\n", "", "nats.urls: missing: where the frames"},
		"a file":  {"{postgres: {dsn_file: dsn}, key_file: key}", "{file: l.db}", "ledger.postgres"},
		"a key":   {", key_file: key}", "}", "ledger.key_file: missing"},
		"a register": {"{csv: exempt.csv}", "{registry: r.db}",
			"exemption.registry: is a file of one meter"},
		"rare probes": {"{name: meter1}", "{name: meter1, probe_every: 1h}",
			"meter.probe_every: 1h0m0s is not from 2s to 1m0s"},
		"credentials": {"  username: meter\n", "  credentials_file: c.creds\n",
			"nats.credentials_file: is not for a meter"},
		"a certificate": {"  username: meter\n", "  username: meter\n  cert_file: c\n  key_file: k\n",
			"nats.cert_file: is not for a meter"},
	})
	for name, p := range map[string]problem{
		"keys of a meter": {add: "meter: {name: a}\n", want: "meter: is for `source: cluster` only"},
	} {
		t.Run(name, p.check)
	}
}

func TestProblemsOfTheClustersNATS(t *testing.T) {
	user := "  username: meter\n"
	checkCluster(t, goodTap, besideSecrets, config.TapSecrets, map[string]clusterProblem{
		"in clear": {"tls://nats1", "nats://nats1",
			"nats.urls[0]: sends callers' numbers over the network unencrypted: use tls"},
		"no address":         {"tls://nats1.example:4222", "nats1", "nats.urls[0]: is not an address"},
		"a password in it":   {"tls://nats1", "tls://a:s3cret@nats1", "nats.urls[0]: holds a user"},
		"a password alone":   {user, "", "nats.username: missing: whose password it is"},
		"a name with a dot":  {user, "  username: a.b\n", `nats.username: "a.b" is not a name`},
		"a name with a star": {user, "  username: \"*\"\n", `nats.username: "*" is not a name`},
		"several users":      {user, user + "  credentials_file: c\n", "nats: has several of"},
		"half a certificate": {user, user + "  cert_file: c\n", "nats.cert_file: give both"},
		"a stream's name":    {user, user + "  stream: a.b\n", `nats.stream: "a.b" is not a name`},
		"too many replicas":  {user, user + "  replicas: 6\n", "nats.replicas: 6 is not from 1 to 5"},
		"a small stream":     {user, user + "  stream_bytes: 1\n", "nats.stream_bytes: 1 is less than"},
		"a short memory":     {user, user + "  stream_keep: 1s\n", "nats.stream_keep: 1s is not from"},
		"authorities in vain": {"tls://nats1.example:4222\"]", "nats://127.0.0.1:4222\"]\n  ca_file: c",
			"nats.ca_file: is for a tls address only"},
	})
}

func TestProblemsOfTapAndProxy(t *testing.T) {
	checkCluster(t, goodTap, besideSecrets, config.TapSecrets, map[string]clusterProblem{
		"no folder": {"tap: {folder: /var/lib/risposta/tap}\n", "", "tap.folder: missing"},
		"a small journal": {"/var/lib/risposta/tap}", "/var/lib/risposta/tap, journal_bytes: 1}",
			"tap.journal_bytes: 1 is less than"},
		"two PBXs": {"pbx:\n", "pbx:\n  - {url: \"http://127.0.0.1:8089/ari\", username: r, " +
			"password_file: none}\n", "pbx"},
		"no NATS": {clusterNATS, "", "nats"},
	})
	checkCluster(t, goodTap, besideSecrets[:1], config.TapSecrets, map[string]clusterProblem{
		"no PBX": {"pbx:\n  - {url: \"http://127.0.0.1:8088/ari\", username: risposta}\n", "", "pbx: "},
	})
	checkCluster(t, goodTap, besideSecrets, config.ProxySecrets, map[string]clusterProblem{
		"a page elsewhere": {"", "admin: {listen: 0.0.0.0:1, cert_file: c, key_file: k, password_file: p}\n",
			"admin"},
	})
}

// Every example of the documents of a cluster loads.
func TestClusterExamplesLoad(t *testing.T) {
	secretFiles := func(path string) ([]byte, error) {
		if strings.Contains(path, "key") {
			return []byte(key), nil
		}
		return []byte("secret"), nil
	}
	seen := 0
	for _, doc := range []string{"cluster.md", "proxy.md", "tap.md"} {
		text, err := os.ReadFile("../../docs/" + doc)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range yamlBlock.FindAllStringSubmatch(string(text), -1) {
			seen++
			needs := config.ProxySecrets
			switch {
			case strings.Contains(b[1], "source: cluster"):
				needs = config.AllSecrets
			case strings.Contains(b[1], "tap:"):
				needs = config.TapSecrets
			}
			if _, err := config.Parse(doc, []byte(b[1]), nil, needs, secretFiles); err != nil {
				t.Errorf("%s: %v\n%s", doc, err, b[1])
			}
		}
	}
	if seen < 4 {
		t.Errorf("only %d examples were found", seen)
	}
}

// The delivered configurations of a cluster load, each as what it is for.
func TestClusterFilesLoad(t *testing.T) {
	secretFiles := func(path string) ([]byte, error) {
		if strings.HasSuffix(path, "callers.key") {
			return []byte(key), nil
		}
		return []byte("secret"), nil
	}
	var names []string
	for name, needs := range map[string]config.Needs{ // with the password that compose.yaml gives
		"tap1.yaml": config.TapSecrets, "tap2.yaml": config.TapSecrets,
		"proxy1.yaml": config.ProxySecrets, "proxy2.yaml": config.ProxySecrets,
		"meter.yaml": config.AllSecrets,
	} {
		names = append(names, name)
		text, err := os.ReadFile("../../deploy/cluster/" + name)
		var environ []string
		if needs != config.AllSecrets {
			environ = besideSecrets[1:]
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := config.Parse(name, text, environ, needs, secretFiles); err != nil {
			t.Error(err)
		}
	}
	files, err := os.ReadDir("../../deploy/cluster")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		name := f.Name()
		if strings.HasSuffix(name, ".yaml") && name != "compose.yaml" && !slices.Contains(names, name) {
			t.Errorf("deploy/cluster/%s is of no command", name)
		}
	}
}
