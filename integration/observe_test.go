//go:build live

package integration

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
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
	o := &observation{harness: newHarness(t, services, files), T: t}
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
func (o *observation) awaitFor(limit time.Duration, what string, match func(frame) bool) (found frame) {
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

// answer is what ARI answered to a request.
type answer struct {
	At     time.Time
	Method string
	Path   string
	Query  string
	Status int
	Took   time.Duration
	Body   any
}

// ask sends a request to ARI and records the answer.
func (o *observation) ask(method, path string, query url.Values) answer {
	o.Helper()
	a, err := o.request(o.ctx, method, path, query)
	if err != nil {
		o.Fatal(err)
	}
	return a
}

func (o *observation) request(
	ctx context.Context, method, path string, query url.Values,
) (a answer, err error) {
	a = answer{At: time.Now(), Method: method, Path: path, Query: query.Encode()}
	at := o.pbx.URL() + path
	if a.Query != "" {
		at += "?" + a.Query
	}
	req, err := http.NewRequestWithContext(ctx, method, at, nil)
	if err != nil {
		return a, err
	}
	req.SetBasicAuth(lab.ARIUser, lab.ARIPassword)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return a, err
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return a, err
	}
	a.Status, a.Took = resp.StatusCode, time.Since(a.At)
	if len(body) > 0 && json.Unmarshal(body, &a.Body) != nil {
		a.Body = string(body)
	}
	line, err := json.Marshal(a)
	if err != nil {
		return a, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	_, err = o.rest.Write(append(line, '\n'))
	return a, errors.Join(err, resp.Body.Close())
}

// variable reads a channel's variable or function.
func (o *observation) variable(id, name string) string {
	o.Helper()
	a := o.ask(http.MethodGet, "/channels/"+id+"/variable", url.Values{"variable": {name}})
	if a.Status != http.StatusOK {
		return fmt.Sprintf("status %d: %v", a.Status, a.Body)
	}
	return field(a.Body, "value")
}

// samples asks the same requests again and again until the returned function is called.
func (o *observation) samples(every time.Duration, paths ...string) (stop func()) {
	ctx, cancel := context.WithCancel(o.ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			for _, p := range paths {
				_, _ = o.request(ctx, http.MethodGet, p, nil) // a channel may have gone
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() { cancel(); <-done }
}

// channel waits until a channel of this name is in a state, and returns its id.
func (o *observation) channel(name, state string) (id string) {
	o.Helper()
	err := lab.Until(o.ctx, 30*second, name+" to be "+state, func() error {
		list, _ := o.ask(http.MethodGet, "/channels", nil).Body.([]any)
		for _, c := range list {
			if strings.HasPrefix(field(c, "name"), name) && field(c, "state") == state {
				id = field(c, "id")
				return nil
			}
		}
		return fmt.Errorf("%d channels, none of them is it", len(list))
	})
	if err != nil {
		o.Fatal(err)
	}
	return id
}

// talking waits until a channel has entered a bridge with others, and returns its id.
func (o *observation) talking(name string) (id string) {
	o.Helper()
	f := o.await(name+" in a bridge", func(f frame) bool { return f.is("ChannelEnteredBridge", name) })
	return f.at("channel.id")
}

// inBridge tells whether a bridge lists the channel now.
func (o *observation) inBridge(id string) bool {
	o.Helper()
	list, _ := o.ask(http.MethodGet, "/bridges", nil).Body.([]any)
	for _, b := range list {
		m, _ := b.(map[string]any)
		ids, _ := m["channels"].([]any)
		for _, c := range ids {
			if c == id {
				return true
			}
		}
	}
	return false
}

// console waits until Asterisk's console shows something, and returns all that it shows.
func (o *observation) console(command, pattern string) (out string) {
	o.Helper()
	re := regexp.MustCompile(pattern)
	err := lab.Until(o.ctx, 30*second, command+" to show "+pattern, func() (err error) {
		if out, err = o.pbx.Console(o.ctx, command); err == nil && !re.MatchString(out) {
			err = fmt.Errorf("it shows %q", out)
		}
		return err
	})
	if err != nil {
		o.Fatal(err)
	}
	return out
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

// clockTick is the unit of /proc/PID/stat (USER_HZ).
const clockTick = 10 * time.Millisecond

// processor is the processor time, user and system, that Asterisk's process has used.
func (o *observation) processor() time.Duration {
	o.Helper()
	pid, err := exec.CommandContext(o.ctx, "docker", "inspect", "--format", "{{.State.Pid}}", o.pbx.ID).Output()
	if err != nil {
		o.Fatal(err)
	}
	stat, err := os.ReadFile("/proc/" + strings.TrimSpace(string(pid)) + "/stat")
	if err != nil {
		o.Fatal(err)
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:])) // the third field comes first
	user, err1 := strconv.Atoi(fields[11])
	system, err2 := strconv.Atoi(fields[12])
	if err := errors.Join(err1, err2); err != nil {
		o.Fatal(err)
	}
	return time.Duration(user+system) * clockTick
}
