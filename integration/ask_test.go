//go:build live

package integration

import (
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
	"time"

	"github.com/risposta/gateway/integration/lab"
)

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

// clockTick is the unit of /proc/PID/stat (USER_HZ).
const clockTick = 10 * time.Millisecond

// processor is the processor time, user and system, that Asterisk's process has used.
func (o *observation) processor() time.Duration {
	o.Helper()
	inspect := []string{"inspect", "--format", "{{.State.Pid}}", o.pbx.ID}
	pid, err := exec.CommandContext(o.ctx, "docker", inspect...).Output()
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

// app is the application that a channel runs at present.
func (o *observation) app(id string) string {
	o.Helper()
	return field(o.ask(http.MethodGet, "/channels/"+id, nil).Body, "dialplan.app_name")
}

// until waits for a condition.
func (o *observation) until(what string, ok func() bool) {
	o.Helper()
	err := lab.Until(o.ctx, 20*second, what, func() error {
		if ok() {
			return nil
		}
		return errNotYet
	})
	if err != nil {
		o.Fatal(err)
	}
}

// idle tells whether Asterisk has no channel.
func (o *observation) idle() bool {
	o.Helper()
	list, ok := o.ask("GET", "/channels", nil).Body.([]any)
	return ok && len(list) == 0
}

// bridges records what ARI lists of bridges and channels now.
func (o *observation) bridges() {
	o.Helper()
	o.ask(http.MethodGet, "/bridges", nil)
	o.ask(http.MethodGet, "/channels", nil)
}

// values lists what a variable of a channel was in the samples, each change once.
func (o *observation) values(id, variable string) (values []string) {
	o.Helper()
	text, err := os.ReadFile(filepath.Join(o.dir, "rest.jsonl"))
	if err != nil {
		o.Fatal(err)
	}
	path := "/channels/" + id + "/variable?variable=" + url.QueryEscape(variable)
	for line := range strings.Lines(string(text)) {
		var a answer
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			o.Fatal(err)
		}
		if a.Path != path || a.Status != http.StatusOK {
			continue
		}
		if v := field(a.Body, "value"); len(values) == 0 || values[len(values)-1] != v {
			values = append(values, v)
		}
	}
	return values
}
