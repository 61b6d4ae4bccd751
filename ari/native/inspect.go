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
	"sync"
	"time"

	cycore "github.com/CyCoreSystems/ari/v5"
	"github.com/coder/websocket"

	"github.com/risposta/gateway/ari"
)

// Finding is one result of Inspect. A bad one must be mended before the records of this PBX can be
// trusted. A note is what could not be checked, or what only a reader can judge.
type Finding struct {
	Bad  bool
	Note bool
	Text string
}

// Report is what Inspect found.
type Report struct {
	Info      ari.Info
	Findings  []Finding
	Endpoints []string // all that the PBX lists, such as PJSIP/agent1; nil where it was not asked
	Members   []Member // of the queues that are known, at present
}

// Member is a member of a queue, and the endpoints that it calls; none where that is not known.
type Member struct {
	Queue, Name string
	Endpoints   []string
}

// Entry is where a metered service begins in the dialplan.
type Entry struct{ Service, Number, Context string }

// Plan is what a configuration expects of a PBX.
type Plan struct {
	Entries           []Entry
	Language          string   // of the front desk
	Prompts           []string // that the front desk needs
	NeedsAnnouncement bool     // calls whose price was not announced are free
	WaitVoids         bool     // a call that was answered before the operator answered is free
	Queues            []string // that earlier calls waited in; ARI has no list of queues

	Operator func(endpoint string) bool // it is a human operator's
	Caller   func(endpoint string) bool // paid calls may come from it

	// Who vouches for the numbers of an endpoint's calls: its carrier, or a signature.
	Carrier func(endpoint string) bool
	Signed  func(endpoint string) bool
}

// MinWriteTimeout is the shortest websocket_write_timeout that leaves a gateway time to be
// scheduled; Asterisk's default is 100 ms.
const MinWriteTimeout = 500 * time.Millisecond

// Inspect looks for settings of a PBX that would make metering wrong. To read Asterisk's own
// configuration it connects for a moment under an application name of its own and makes one idle
// Local channel, which dials nothing. An error means that the PBX could not be inspected; what was
// found up to there is returned with it.
func Inspect(ctx context.Context, cfg Config, plan Plan) (Report, error) {
	i := &inspector{cfg: cfg, plan: plan, rest: newREST(cfg)}
	defer i.rest.close()
	err := i.inspect(ctx)
	return i.report, err
}

func (i *inspector) inspect(ctx context.Context) (err error) {
	if i.report.Info, err = i.rest.info(ctx); err != nil {
		return err
	}
	app, err := i.rest.application(ctx, i.cfg.Application)
	switch {
	case errors.Is(err, errNoApplication):
		i.good("no gateway is connected as %q at present", i.cfg.Application)
	case err != nil:
		return err
	case !app.AllChannels:
		i.bad("application %q is connected but not subscribed to all channels, and gets no events; "+
			"stop the program that is connected under that name", i.cfg.Application)
	default:
		i.good("application %q is connected and subscribed to all channels", i.cfg.Application)
	}
	if i.report.Info.SystemName == "" {
		i.bad("systemname is not set in asterisk.conf: two PBXs could make the same call ids")
	}
	if err := i.endpoints(ctx); err != nil {
		return err
	}
	return i.configuration(ctx)
}

type inspector struct {
	cfg    Config
	plan   Plan
	rest   *rest
	report Report
	queued []string // the queues that the services' extensions name
}

func (i *inspector) good(format string, args ...any) {
	i.report.Findings = append(i.report.Findings, Finding{Text: fmt.Sprintf(format, args...)})
}

func (i *inspector) bad(format string, args ...any) {
	i.report.Findings = append(i.report.Findings,
		Finding{Bad: true, Text: fmt.Sprintf(format, args...)})
}

func (i *inspector) note(format string, args ...any) {
	i.report.Findings = append(i.report.Findings,
		Finding{Note: true, Text: fmt.Sprintf(format, args...)})
}

// query reads a dialplan function; ok is false where Asterisk returns an error.
type query func(function string) (value string, ok bool)

// configuration reads Asterisk's own files through a channel's AST_CONFIG and DIALPLAN_EXISTS: ARI
// has no other way to them.
func (i *inspector) configuration(ctx context.Context) (err error) {
	cfg := i.cfg
	cfg.Application = "risposta-check-" + rand.Text()[:8]
	r := newREST(cfg)
	defer r.close()
	conn, err := dial(ctx, cfg, r.http, ownEvents)
	if err != nil {
		return err
	}
	var left, drained = make(chan struct{}), make(chan struct{})
	go func() {
		defer close(drained)
		readUntilClosed(ctx, conn, left)
	}()
	defer func() {
		select {
		case <-left:
		case <-drained:
		case <-time.After(leaveTimeout):
		}
		_ = conn.CloseNow()
		<-drained
	}()
	probe, err := within(ctx, r, func() (*cycore.ChannelHandle, error) {
		return r.lib.Channel().Create(nil, cycore.ChannelCreateRequest{
			Endpoint: "Local/s@risposta-check", App: cfg.Application,
		})
	})
	if err != nil {
		return fmt.Errorf("making a channel to read the PBX's configuration through: %w", err)
	}
	defer func() {
		_, herr := within(context.WithoutCancel(ctx), r, func() (struct{}, error) {
			return struct{}{}, probe.Hangup()
		})
		err = errors.Join(err, herr)
	}()
	ask := func(function string) (string, bool) {
		v, err := within(ctx, r, func() (string, error) {
			return r.lib.Channel().GetVariable(probe.Key(), url.QueryEscape(function))
		})
		return v, err == nil
	}
	i.eventFilter(ctx, r)
	i.entityID(ask)
	i.writeTimeout(ask)
	for _, e := range i.plan.Entries {
		i.entry(e, ask)
	}
	i.waitOn(ask)
	i.queues(ask)
	i.conferences(ask)
	return i.frontDesk(ctx, ask)
}

// leaveTimeout bounds the wait for the event of the idle channel's end.
const leaveTimeout = 2 * time.Second

// readUntilClosed reads the events of the idle channel, and closes left at the one of its end. Asterisk
// 22 stops answering questions about applications, for half a minute, where the connection is closed
// while that event is on its way (docs/asterisk.md, "What a closed connection leaves behind").
func readUntilClosed(ctx context.Context, conn *websocket.Conn, left chan struct{}) {
	ended := sync.OnceFunc(func() { close(left) })
	for {
		_, frame, err := conn.Read(ctx)
		if err != nil {
			return
		}
		if ari.PeekType(frame) == "ChannelDestroyed" {
			ended()
		}
	}
}

// eventFilter tries the filter on the application that was made for the inspection.
func (i *inspector) eventFilter(ctx context.Context, r *rest) {
	if err := r.filterEvents(ctx, r.cfg.Application); err != nil {
		i.note("the PBX sends events that the gateway does not need, which costs CPU and no call "+
			"anything: %v", err)
		return
	}
	i.good("the PBX sends only the types of events that the gateway needs")
}

func (i *inspector) entityID(ask query) {
	if v, ok := ask("AST_CONFIG(asterisk.conf,options,entityid)"); !ok || v == "" {
		i.bad("entityid is not set in asterisk.conf: the PBX takes its id from a network card, " +
			"which may change or be the same in two containers")
	}
}

func (i *inspector) writeTimeout(ask query) {
	timeout, from := 100*time.Millisecond, "Asterisk's default"
	if v, ok := ask("AST_CONFIG(ari.conf,general,websocket_write_timeout)"); ok && v != "" {
		ms, err := strconv.Atoi(v)
		if err != nil {
			i.bad("websocket_write_timeout in ari.conf is %q, not a number of milliseconds", v)
			return
		}
		timeout, from = time.Duration(ms)*time.Millisecond, "ari.conf"
	}
	if timeout < MinWriteTimeout {
		i.bad("websocket_write_timeout is %s (%s): a pause of the machine would disconnect the "+
			"gateway; set at least %d in ari.conf", timeout, from, MinWriteTimeout.Milliseconds())
	}
}

// waitOn looks whether callers may wait on answered where the law lets nobody pay who waited so.
func (i *inspector) waitOn(ask query) {
	if v, ok := ask("GLOBAL(RISPOSTA_WAIT_ON)"); ok && v == "yes" && i.plan.WaitVoids {
		i.bad("RISPOSTA_WAIT_ON = yes in extensions.conf lets callers wait on, answered, and the policy " +
			"voids every charge of such a call: set it to no")
	}
}

// frontDesk looks for what deploy/asterisk/etc/extensions.conf and deploy/asterisk/prompts provide.
func (i *inspector) frontDesk(ctx context.Context, ask query) error {
	exists := func(exten string) bool {
		v, ok := ask(fmt.Sprintf("DIALPLAN_EXISTS(%s,%s,1)", deskContext, exten))
		return ok && v == "1"
	}
	if !exists("announce") {
		if i.plan.NeedsAnnouncement {
			i.bad("the policy wants the price told, and the dialplan has no front desk: without "+
				"context %s of deploy/asterisk/etc/extensions.conf every call is free", deskContext)
		}
		return nil
	}
	if !exists("T") {
		i.bad("context %s has no extension T: Asterisk would hang up on a caller when the gateway "+
			"does not respond", deskContext)
	}
	var missing []string
	for _, p := range i.plan.Prompts {
		body, err := i.rest.do(ctx, http.MethodGet, "sounds/"+url.PathEscape(p), nil)
		if err != nil && !errors.Is(err, ari.ErrNotFound) {
			return err
		}
		if err != nil || !bytes.Contains(body, fmt.Appendf(nil, `"language":%q`, i.plan.Language)) {
			missing = append(missing, p)
		}
	}
	if len(missing) > 0 {
		i.bad("the front desk lacks prompts in language %s: %s; see deploy/asterisk/prompts",
			i.plan.Language, strings.Join(missing, ", "))
		return nil
	}
	i.good("the front desk has its prompts in language %s", i.plan.Language)
	return nil
}
