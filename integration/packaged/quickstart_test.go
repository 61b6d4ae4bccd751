//go:build live

package packaged

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// block is a piece of shell in the document.
var block = regexp.MustCompile("(?ms)^ *```sh\n(.*?)^ *```$")

// quickStart is the bound on the whole of the quick start.
const quickStart = 10 * time.Minute

// The quick start is followed line by line, on a PBX that has never seen Risposta: from the package
// to the first record.
func TestPackagedQuickStart(t *testing.T) {
	c := bootPBX(t)
	c.copyIn(deb(t, "1.0.0"), "/root/risposta.deb")
	doc, err := os.ReadFile("../../docs/quickstart.md")
	if err != nil {
		t.Fatal(err)
	}
	steps := block.FindAllStringSubmatch(string(doc), -1)
	if len(steps) < 5 {
		t.Fatalf("the quick start has %d pieces of shell", len(steps))
	}
	began := time.Now()
	for i, step := range steps {
		if i == len(steps)-1 { // the call
			c.untilLogged("pbx.synced", 1)
			c.call(4)
			c.untilLogged("record.written", 1)
		}
		t.Logf("%s\n%s", strings.TrimSpace(step[1]), c.run("cd /root; set -e\n"+step[1]))
	}
	took := time.Since(began)
	var rec struct {
		TalkMs  int64 `json:"talk_ms"`
		Outcome string
	}
	if err := json.Unmarshal([]byte(c.run("risposta records")), &rec); err != nil {
		t.Fatal(err)
	}
	if rec.TalkMs < 3500 || rec.TalkMs > 5000 {
		t.Errorf("the record has %d ms of talk, want the 4 s that the phones talked", rec.TalkMs)
	}
	t.Logf("from apt-get install to the first record: %.1f s", took.Seconds())
	if took > quickStart {
		t.Errorf("that is more than %s", quickStart)
	}
}
