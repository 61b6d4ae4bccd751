//go:build live

package packaged

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// misconfigured breaks the configuration in ways that systemd must tell apart: one that only an edit
// mends, and one that ends by itself.
func misconfigured(t *testing.T, c container) {
	const conf = "/etc/risposta/gateway.yaml"
	restarts := func() string { return strings.TrimSpace(c.run("systemctl show -P NRestarts risposta")) }
	status := func() string {
		return strings.TrimSpace(c.run("echo $(systemctl show -P ActiveState risposta) " +
			"$(systemctl show -P ExecMainStatus risposta)"))
	}
	synced := strings.Count(c.journal(), "pbx.synced")
	c.run("cp -p " + conf + " /root/good.yaml; echo 'price: 1' >>" + conf)
	if ok, _ := c.try("systemctl restart risposta"); ok {
		t.Error("with a configuration that is wrong the service starts")
	}
	if got := status(); got != "failed 78" {
		t.Errorf("the service is %q, want failed 78", got)
	}
	before := restarts()
	// systemd would have started it again after RestartSec, 2 s.
	c.run("sleep 6")
	if after := restarts(); after != before || status() != "failed 78" {
		t.Errorf("it was started again: %s restarts, then %s; %s", before, after, status())
	}
	// Nothing stands in the way of a start after the edit.
	c.run("cp -p /root/good.yaml " + conf + "; systemctl restart risposta")
	c.untilLogged("pbx.synced", synced+1)

	// A secret that comes late: it is tried until it is there.
	const key = "/etc/risposta/caller-key"
	c.run("mv " + key + " /root/late")
	if ok, _ := c.try("systemctl restart risposta"); ok {
		t.Error("without a secret the service starts")
	}
	first := restarts()
	c.until("two more starts", func() bool {
		var was, is int
		_, err1 := fmt.Sscan(first, &was)
		_, err2 := fmt.Sscan(restarts(), &is)
		return err1 == nil && err2 == nil && is >= was+2
	})
	c.run("mv /root/late " + key)
	c.untilLogged("pbx.synced", synced+2)
	wantOutput(t, c, "systemctl is-active risposta", "active")
}

// entry are the fields of a line of the journal that the gateway gives.
type entry struct {
	Message  string `json:"MESSAGE"`
	Event    string `json:"EVENT"`
	PBX      string `json:"PBX"`
	Call     string `json:"CALL"`
	Service  string `json:"SERVICE"`
	Record   string `json:"RECORD"`
	Priority string `json:"PRIORITY"`
	Unit     string `json:"_SYSTEMD_UNIT"`
}

// entries are what journalctl finds.
func (c container) entries(match string) (all []entry) {
	c.t.Helper()
	out := c.run("journalctl --no-pager -o json -u risposta " + match)
	for dec := json.NewDecoder(bytes.NewReader([]byte(out))); dec.More(); {
		var e entry
		if err := dec.Decode(&e); err != nil {
			c.t.Fatalf("journalctl %s: %v\n%s", match, err, out)
		}
		all = append(all, e)
	}
	return all
}

// wantFields finds the lines of one call by the fields of a real journal.
func wantFields(t *testing.T, c container) {
	written := c.entries("EVENT=record.written")
	if len(written) != 1 {
		t.Fatalf("%d lines with EVENT=record.written, want 1", len(written))
	}
	w := written[0]
	var line struct{ Event, Call, Record, Service, PBX string }
	if err := json.Unmarshal([]byte(w.Message), &line); err != nil {
		t.Fatalf("the message is no JSON: %v: %s", err, w.Message)
	}
	if w.Call == "" || w.Call != line.Call || w.Record == "" || w.Record != line.Record ||
		w.Service == "" || w.Service != line.Service || w.PBX == "" || w.PBX != line.PBX ||
		w.Event != line.Event || w.Priority != "6" || w.Unit != "risposta.service" {
		t.Errorf("the fields %+v are not those of the line", w)
	}
	events := map[string]bool{}
	for _, e := range c.entries("CALL=" + w.Call) {
		events[e.Event] = true
		if e.Call != w.Call || e.PBX != w.PBX {
			t.Errorf("with CALL=%s there is %+v", w.Call, e)
		}
	}
	for _, event := range []string{"call.arrived", "talk.started", "record.written"} {
		if !events[event] {
			t.Errorf("with CALL=%s there is no %s, but %v", w.Call, event, events)
		}
	}
	if n := len(c.entries("PBX=" + w.PBX)); n <= len(events) {
		t.Errorf("with PBX=%s there are only %d lines", w.PBX, n)
	}
}
