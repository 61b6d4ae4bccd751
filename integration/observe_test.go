//go:build live

package integration

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/risposta/gateway/integration/lab"
)

// observation is an Asterisk that a test watches without a gateway: what ARI sends (ari.jsonl), what
// it answers when asked (rest.jsonl), and Asterisk's own logs.
type observation struct {
	*harness
	*testing.T
	dir string
	rec *lab.Recorder

	mu   sync.Mutex
	rest *os.File
}

// observe starts an Asterisk with these services and a recording named after the feature.
func observe(t *testing.T, name string, services []service, files map[string]string) *observation {
	t.Helper()
	return observeWith(t, name, gatewayConfig, services, files)
}

// observeWith is observe with a configuration of the gateway, for a test that starts it.
func observeWith(
	t *testing.T, name, config string, services []service, files map[string]string,
) *observation {
	t.Helper()
	o := &observation{harness: newHarnessWith(t, config, services, files), T: t}
	into := *recordInto
	if into == "" {
		into = t.TempDir()
	}
	o.dir = filepath.Join(into, name)
	if err := os.MkdirAll(o.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	var err error
	if o.rest, err = os.Create(filepath.Join(o.dir, "rest.jsonl")); err != nil {
		t.Fatal(err)
	}
	if o.rec, err = lab.StartRecorder(o.ctx, o.pbx.URL(), filepath.Join(o.dir, "ari.jsonl")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.finish)
	return o
}

// finish ends the recording with a marker, so that all events before it are in it.
func (o *observation) finish() {
	o.mark("end")
	if err := o.rec.Stop(); err != nil {
		o.Error(err)
	}
	if err := o.rest.Close(); err != nil {
		o.Error(err)
	}
	for file, log := range asterisksLogs {
		text, err := o.pbx.Log(o.ctx, log)
		if err != nil && !strings.Contains(err.Error(), "No such file") { // nothing was logged
			o.Error(err)
		}
		if err := os.WriteFile(filepath.Join(o.dir, file), []byte(text), 0o644); err != nil {
			o.Error(err)
		}
	}
}

var asterisksLogs = map[string]string{
	"cel.csv": "cel-custom/cel.csv", "cdr.csv": "cdr-custom/cdr.csv", "queue_log": "queue_log",
}

var errNotYet = errors.New("not yet")

// mark puts an event of the test's own into the recording and waits until it has come.
func (o *observation) mark(name string) {
	o.Helper()
	o.ask(http.MethodPost, "/events/user/"+name, url.Values{"application": {"recorder"}})
	o.await("marker "+name, func(f frame) bool { return f.at("eventname") == name })
}

// frame is one event of ARI.
type frame map[string]any

// at reads a field by its path: "channel.dialplan.app_name".
func (f frame) at(path string) string { return field(map[string]any(f), path) }

func field(v any, path string) string {
	for _, key := range strings.Split(path, ".") {
		m, ok := v.(map[string]any)
		if !ok {
			return ""
		}
		v = m[key]
	}
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

// is tells whether an event has this type and a channel (any of its fields) with this name's start.
func (f frame) is(kind, channel string) bool {
	return f.at("type") == kind && strings.HasPrefix(f.at("channel.name"), channel)
}

// frames reads what has been recorded so far.
func (o *observation) frames() (frames []frame) {
	o.Helper()
	file, err := os.Open(filepath.Join(o.dir, "ari.jsonl"))
	if err != nil {
		o.Fatal(err)
	}
	defer file.Close() //nolint:errcheck // it is only read
	lines := bufio.NewReader(file)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return frames // the last line may be half written
		}
		var f frame
		if err := json.Unmarshal(line, &f); err != nil {
			o.Fatal(err)
		}
		frames = append(frames, f)
	}
}

// count is how many events match so far.
func (o *observation) count(match func(frame) bool) (n int) {
	o.Helper()
	for _, f := range o.frames() {
		if match(f) {
			n++
		}
	}
	return n
}

// await waits for the first event that matches.
func (o *observation) await(what string, match func(frame) bool) (found frame) {
	o.Helper()
	return o.awaitFor(40*second, what, match)
}

// awaitFor is await with a limit of its own.
func (o *observation) awaitFor(
	limit time.Duration, what string, match func(frame) bool,
) (found frame) {
	o.Helper()
	err := lab.Until(o.ctx, limit, what, func() error {
		for _, f := range o.frames() {
			if match(f) {
				found = f
				return nil
			}
		}
		return errNotYet
	})
	if err != nil {
		o.Fatal(err)
	}
	return found
}

// gone waits for the end of a channel and returns its ChannelDestroyed.
func (o *observation) gone(id string) frame {
	o.Helper()
	return o.await("the end of "+id, func(f frame) bool {
		return f.at("type") == "ChannelDestroyed" && f.at("channel.id") == id
	})
}

// wait waits for phones to end as their scripts say.
func (o *observation) wait(parties ...*lab.Party) {
	o.Helper()
	for _, p := range parties {
		if err := p.Wait(o.ctx); err != nil {
			o.Error(err)
		}
	}
}

// silent checks that ARI sends nothing of a channel or a bridge between two markers, keys apart.
func (o *observation) silent(from, to string) {
	o.Helper()
	inside := false
	for _, f := range o.frames() {
		kind := f.at("type")
		switch {
		case kind == "ChannelUserevent":
			inside = inside && f.at("eventname") != to || f.at("eventname") == from
		case !inside || kind == "ChannelDtmfReceived":
		case strings.HasPrefix(kind, "Channel"), strings.HasPrefix(kind, "Bridge"):
			o.Errorf("between %s and %s: %v", from, to, f)
		}
	}
}
