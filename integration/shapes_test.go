//go:build live

package integration

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/risposta/gateway/integration/lab"
)

// shape is one course of a call: its service, and what the people of the call do.
type shape struct {
	service
	with []service // further services that the call needs
	play func(p *people)
	free bool // the call must be free
}

// people are the caller and the operators of one shape, on the i-th service.
type people struct {
	*testing.T
	h *harness
	i int
}

func (p *people) operator(phone string, s *lab.Script) *lab.Party {
	p.Helper()
	return p.h.operator(p.T, phone, s)
}

func (p *people) dials(caller, number string, s *lab.Script) *lab.Party {
	p.Helper()
	return p.h.dials(p.T, caller, number, s)
}

func (p *people) caller(s *lab.Script) *lab.Party {
	p.Helper()
	return p.h.caller(p.T, p.i, s)
}

// until waits until a command on Asterisk's console shows a pattern.
func (p *people) until(command, pattern string) {
	p.Helper()
	re := regexp.MustCompile(pattern)
	what := fmt.Sprintf("%q on the console to show %q", command, pattern)
	err := lab.Until(p.h.ctx, 30*second, what, func() error {
		out, err := p.h.pbx.Console(p.h.ctx, command)
		if err == nil && !re.MatchString(out) {
			err = fmt.Errorf("it shows %q", out)
		}
		return err
	})
	if err != nil {
		p.Fatal(err)
	}
}

// over waits until phones have ended.
func (p *people) over(parties ...*lab.Party) {
	p.Helper()
	p.h.finish(p.T, parties...)
}

// queue is the section of a queue in queues.conf.
func queue(name, options string, members ...string) string {
	s := fmt.Sprintf("[%s]\nringinuse = no\ntimeout = 30\nretry = 1\n%s\n", name, options)
	for _, m := range members {
		s += "member => " + m + "\n"
	}
	return s
}

// moreShapes are what call centres do with calls, beyond firstShapes. Each has its own operators,
// so they all run at the same time.
var moreShapes = slices.Concat(queueShapes, holdShapes, transferShapes, otherShapes)

const shapeExtensions = `
[agents](+)
exten => _3XX,1,Dial(PJSIP/op1${EXTEN:1},30)
exten => 900,1,Dial(PJSIP/outside1,30)
exten => 901,1,Dial(PJSIP/outside2,30)
exten => 850,1,Queue(a30)
exten => _81XX,1,PickupChan(PJSIP/op${EXTEN:1})
exten => 8800,1,ConfBridge(room1)
exten => _813[12],1,AgentLogin(1${EXTEN:1},s)
include => parkedcalls

[early]
exten => early,1,Answer()
 same => n,Wait(2)
 same => n,Dial(PJSIP/op112,30)

[local-agents]
exten => _op[0-9],1,Dial(PJSIP/${EXTEN},30)

[screen]
exten => s,1,Wait(1)
 same => n,Return()
`

// shapeFiles are Asterisk's files beside the services.
var shapeFiles = map[string]string{
	"extensions.d/shapes.conf": shapeExtensions,
	"agents.conf": `[general]
[base](!)
autologoff = 0
wrapuptime = 0
musiconhold = default
[1131](base)
ackcall = no
[1132](base)
ackcall = yes
acceptdtmf = #
`,
	"features.conf": `[general]
transferdigittimeout = 2
featuredigittimeout = 1500
[featuremap]
blindxfer => #1
atxfer => *2
`,
}

// servicesOf lists the services of shapes, and the index of each shape's own service.
func servicesOf(shapes []shape) (services []service, at []int) {
	for _, s := range shapes {
		at = append(at, len(services))
		services = append(append(services, s.service), s.with...)
	}
	return services, at
}

func TestLiveShapesMatchTheCEL(t *testing.T) {
	playAll(t, firstShapes).wantNoClearNumbers(t, len(firstShapes))
}

func TestLongMoreShapesMatchTheCEL(t *testing.T) {
	playAll(t, moreShapes)
}

// playAll plays shapes in parallel on one Asterisk and compares each record with Asterisk's own
// logs.
func playAll(t *testing.T, shapes []shape) *harness {
	t.Helper()
	return playAllWith(t, shapes, shapeFiles)
}

// playAllWith is playAll with other files of Asterisk.
func playAllWith(t *testing.T, shapes []shape, files map[string]string) *harness {
	t.Helper()
	services, at := servicesOf(shapes)
	h := newHarness(t, services, files)
	h.start(t)
	var table sync.Map
	t.Run("calls", func(t *testing.T) {
		for k, s := range shapes {
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				table.Store(s.name, h.playOne(t, s, at[k]))
			})
		}
	})
	h.printTable(t, shapes, &table)
	return h
}

// playOne plays a shape on its i-th service.
func (h *harness) playOne(t *testing.T, s shape, i int) lab.Record {
	t.Helper()
	s.play(&people{T: t, h: h, i: i})
	rec := h.record(t, s.name)
	h.wantCELMatch(t, i, rec)
	if s.free && (rec.TalkMs != 0 || rec.Charge.Amount != "0.00") {
		t.Errorf("talk %d ms, charged %s; want no talk, free", rec.TalkMs, rec.Charge.Amount)
	}
	return rec
}

func TestLiveOperatorsOutboundCallIsNotMetered(t *testing.T) {
	t.Parallel()
	h := newHarness(t, talkingService, map[string]string{"extensions.d/out.conf": `[agents](+)
exten => 900,1,Dial(PJSIP/trunk/sip:900@127.0.0.1:1,2)
exten => 901,1,Answer()
 same => n,Wait(5)
`})
	h.start(t)
	into := *recordInto
	if into == "" {
		into = t.TempDir()
	}
	keep := h.startRecording(t, filepath.Join(into, "operator-calls-out"))
	p := &people{T: t, h: h}
	p.over(p.dials("op1", "901", lab.Calls().Pause(second).Bye()))
	keep() // all events of the call have arrived
	if out, code, err := h.gw.Command(h.ctx, "records"); err != nil || code != 0 || out != "" {
		t.Errorf("exit %d, %v; records of an operator's own call:\n%s", code, err, out)
	}
	if strings.Contains(h.gw.Log(), "call.arrived") {
		t.Errorf("an operator's own call was metered:\n%s", h.gw.Log())
	}
}
