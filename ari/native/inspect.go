package native

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	cycore "github.com/CyCoreSystems/ari/v5"
)

// Finding is one thing that Inspect has to say. Bad ones must be mended before a gateway can be trusted at this PBX.
type Finding struct {
	Bad  bool
	Text string
}

// Entry is where a metered service begins in the dialplan.
type Entry struct{ Service, Number, Context string }

// Plan is what a configuration expects of a PBX.
type Plan struct {
	Entries  []Entry
	Language string   // of the front desk
	Prompts  []string // that it needs
	Told     bool     // calls are free that nobody has told the price
}

// MinWriteTimeout is the shortest websocket_write_timeout that leaves a gateway time to be scheduled; Asterisk's default is 100 ms.
const MinWriteTimeout = 500 * time.Millisecond

// Inspect looks at a PBX for what would make metering wrong. To read Asterisk's own configuration it connects for a moment under a
// name of its own and makes one idle Local channel, which dials nothing. An error means the PBX could not be looked at.
func Inspect(ctx context.Context, cfg Config, plan Plan) (Info, []Finding, error) {
	i := &inspector{cfg: cfg}
	r := newREST(cfg)
	defer r.close()
	info, err := r.info(ctx)
	if err != nil {
		return Info{}, nil, err
	}
	app, err := r.application(ctx, cfg.Application)
	switch {
	case errors.Is(err, ErrNoApplication):
		i.say(false, "no gateway is connected as %q at present", cfg.Application)
	case err != nil:
		return info, nil, err
	case !app.AllChannels:
		i.say(true, "application %q is connected but not subscribed to all channels: it is deaf; stop whatever is connected under that name", cfg.Application)
	default:
		i.say(false, "application %q is connected and subscribed to all channels", cfg.Application)
	}
	if info.SystemName == "" {
		i.say(true, "systemname is not set in asterisk.conf: two PBXs could make the same call ids")
	}
	err = i.configuration(ctx, plan)
	return info, i.found, err
}

type inspector struct {
	cfg   Config
	found []Finding
}

func (i *inspector) say(bad bool, format string, args ...any) {
	i.found = append(i.found, Finding{Bad: bad, Text: fmt.Sprintf(format, args...)})
}

// configuration reads Asterisk's own files through a channel's AST_CONFIG and DIALPLAN_EXISTS: ARI has no other way to them.
func (i *inspector) configuration(ctx context.Context, plan Plan) (err error) {
	cfg := i.cfg
	cfg.Application = "risposta-check-" + rand.Text()[:8]
	s := New(cfg, nil, nil, nil)
	defer s.rest.close()
	conn, err := s.dial(ctx)
	if err != nil {
		return err
	}
	drained := make(chan struct{})
	go func() { // events are of no interest, but must be read
		defer close(drained)
		for {
			if _, _, err := conn.Read(ctx); err != nil {
				return
			}
		}
	}()
	defer func() {
		_ = conn.CloseNow()
		<-drained
	}()
	probe, err := within(ctx, s.rest, func() (*cycore.ChannelHandle, error) {
		return s.rest.lib.Channel().Create(nil, cycore.ChannelCreateRequest{Endpoint: "Local/s@risposta-check", App: cfg.Application})
	})
	if err != nil {
		return fmt.Errorf("making a channel to read the configuration through: %w", err)
	}
	defer func() {
		_, herr := within(context.WithoutCancel(ctx), s.rest, func() (struct{}, error) { return struct{}{}, probe.Hangup() })
		err = errors.Join(err, herr)
	}()
	ask := func(function string) (string, bool) {
		v, err := within(ctx, s.rest, func() (string, error) {
			return s.rest.lib.Channel().GetVariable(probe.Key(), url.QueryEscape(function))
		})
		return v, err == nil
	}
	i.entityID(ask)
	i.writeTimeout(ask)
	for _, e := range plan.Entries {
		i.dialplan(e, ask)
	}
	return i.frontDesk(ctx, s.rest, plan, ask)
}

// frontDesk looks for what deploy/asterisk/etc/extensions.conf and deploy/asterisk/prompts bring.
func (i *inspector) frontDesk(ctx context.Context, r *rest, plan Plan, ask asker) error {
	exists := func(exten string) bool {
		v, ok := ask(fmt.Sprintf("DIALPLAN_EXISTS(%s,%s,1)", frontDesk, exten))
		return ok && v == "1"
	}
	if !exists("announce") {
		if plan.Told {
			i.say(true, "the policy wants the price told, and the dialplan has no front desk: without context %s of deploy/asterisk/etc/extensions.conf every call is free", frontDesk)
		}
		return nil
	}
	if !exists("T") {
		i.say(true, "context %s has no extension T: Asterisk would hang up on a caller when the gateway stands still", frontDesk)
	}
	var missing []string
	for _, p := range plan.Prompts {
		body, err := r.do(ctx, http.MethodGet, "sounds/"+url.PathEscape(p), nil)
		if err != nil && !errors.Is(err, errNotThere) {
			return err
		}
		if err != nil || !bytes.Contains(body, fmt.Appendf(nil, `"language":%q`, plan.Language)) {
			missing = append(missing, p)
		}
	}
	if len(missing) > 0 {
		i.say(true, "the front desk lacks prompts in language %s: %s; see deploy/asterisk/prompts", plan.Language, strings.Join(missing, ", "))
		return nil
	}
	i.say(false, "the front desk has its prompts in language %s", plan.Language)
	return nil
}

type asker func(function string) (value string, ok bool)

func (i *inspector) entityID(ask asker) {
	if v, ok := ask("AST_CONFIG(asterisk.conf,options,entityid)"); !ok || v == "" {
		i.say(true, "entityid is not set in asterisk.conf: the PBX is named after a network card, which may change or be the same in two containers")
	}
}

func (i *inspector) writeTimeout(ask asker) {
	timeout, from := 100*time.Millisecond, "Asterisk's default"
	if v, ok := ask("AST_CONFIG(ari.conf,general,websocket_write_timeout)"); ok && v != "" {
		ms, err := strconv.Atoi(v)
		if err != nil {
			i.say(true, "websocket_write_timeout in ari.conf is %q, not a number of milliseconds", v)
			return
		}
		timeout, from = time.Duration(ms)*time.Millisecond, "ari.conf"
	}
	if timeout < MinWriteTimeout {
		i.say(true, "websocket_write_timeout is %s (%s): a pause of the machine would cut the gateway off; set at least %d in ari.conf", timeout, from, MinWriteTimeout.Milliseconds())
	}
}

// maxLines bounds the lines that are read of one context.
const maxLines = 500

func (i *inspector) dialplan(e Entry, ask asker) {
	read := func(name string) (values []string) {
		for n := range maxLines {
			v, ok := ask(fmt.Sprintf("AST_CONFIG(extensions.conf,%s,%s,%d)", e.Context, name, n))
			if !ok {
				break
			}
			values = append(values, v)
		}
		return values
	}
	priorities := func(exten string) int {
		for n := 1; n < maxLines; n++ {
			if v, ok := ask(fmt.Sprintf("DIALPLAN_EXISTS(%s,%s,%d)", e.Context, exten, n)); !ok || v != "1" {
				return n - 1
			}
		}
		return maxLines
	}
	if priorities(e.Number) == 0 {
		i.say(true, "service %s: the dialplan has no extension %s in context %s", e.Service, e.Number, e.Context)
		return
	}
	steps, ok := lines{exten: read("exten"), same: read("same")}.steps(e.Number, priorities)
	app, known := answersEarly(steps)
	switch {
	case !ok || !known:
		i.say(false, "service %s: whether %s@%s is answered before Queue() can't be told from extensions.conf; records of calls that are say answered_early", e.Service, e.Number, e.Context)
	case app != "":
		i.say(true, "service %s: %s comes before Queue() in %s@%s: the caller's own network charges the wait; use Progress() instead", e.Service, app, e.Number, e.Context)
	default:
		i.say(false, "service %s: %s@%s stays unanswered until the operator answers", e.Service, e.Number, e.Context)
	}
}
