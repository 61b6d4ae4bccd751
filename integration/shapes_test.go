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

// shape is one thing that happens to a call: the service it happens on, and how it is played.
type shape struct {
	service
	with []service // further services that the call needs
	play func(c *cast)
	free bool // nobody may be charged
}

// cast plays one shape.
type cast struct {
	*testing.T
	r *rig
	i int
}

func (c *cast) operator(phone string, s *lab.Script) *lab.Party {
	c.Helper()
	return c.r.operator(c.T, phone, s)
}

func (c *cast) dials(who, number string, s *lab.Script) *lab.Party {
	c.Helper()
	return c.r.dials(c.T, who, number, s)
}

func (c *cast) caller(s *lab.Script) *lab.Party {
	c.Helper()
	return c.r.caller(c.T, c.i, s)
}

// until waits until Asterisk's console shows something.
func (c *cast) until(command, pattern string) {
	c.Helper()
	re := regexp.MustCompile(pattern)
	err := lab.Until(c.r.ctx, 30*second, fmt.Sprintf("%q on the console to show %q", command, pattern), func() error {
		out, err := c.r.pbx.Console(c.r.ctx, command)
		if err == nil && !re.MatchString(out) {
			err = fmt.Errorf("it shows %q", out)
		}
		return err
	})
	if err != nil {
		c.Fatal(err)
	}
}

func (c *cast) over(parties ...*lab.Party) {
	c.Helper()
	for _, p := range parties {
		if err := p.Wait(c.r.ctx); err != nil {
			c.Fatal(err)
		}
	}
}

func queue(name, options string, members ...string) string {
	s := fmt.Sprintf("[%s]\nringinuse = no\ntimeout = 30\nretry = 1\n%s\n", name, options)
	for _, m := range members {
		s += "member => " + m + "\n"
	}
	return s
}

// lore is what call centres do with calls, beyond the recorded shapes. Each has operators of its own, so they are played at once.
var lore = slices.Concat(queueShapes, holdShapes, transferShapes, otherShapes)

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
	"agents.conf":              "[general]\n[base](!)\nautologoff = 0\nwrapuptime = 0\nmusiconhold = default\n[1131](base)\nackcall = no\n[1132](base)\nackcall = yes\nacceptdtmf = #\n",
	"features.conf":            "[general]\ntransferdigittimeout = 2\nfeaturedigittimeout = 1500\n[featuremap]\nblindxfer => #1\natxfer => *2\n",
}

// servicesOf lists the services of shapes, and where each shape's own is among them.
func servicesOf(shapes []shape) (services []service, at []int) {
	for _, s := range shapes {
		at = append(at, len(services))
		services = append(append(services, s.service), s.with...)
	}
	return services, at
}

func TestLiveShapesAgreeWithAsterisksOwnLog(t *testing.T) {
	playAll(t, firstShapes).noClearNumbers(t, len(firstShapes))
}

func TestLiveLoreAgreesWithAsterisksOwnLog(t *testing.T) {
	playAll(t, lore)
}

// playAll plays shapes at once on one Asterisk and holds each record against Asterisk's own log.
func playAll(t *testing.T, shapes []shape) *rig {
	t.Helper()
	services, at := servicesOf(shapes)
	r := newRig(t, services, shapeFiles)
	r.start(t)
	var table sync.Map
	t.Run("calls", func(t *testing.T) {
		for k, s := range shapes {
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				table.Store(s.name, r.playOne(t, s, at[k]))
			})
		}
	})
	r.print(t, shapes, &table)
	return r
}

// playOne plays a shape on its i-th service.
func (r *rig) playOne(t *testing.T, s shape, i int) lab.Record {
	t.Helper()
	s.play(&cast{T: t, r: r, i: i})
	rec := r.record(t, s.name)
	r.compare(t, i, rec)
	if s.free && (rec.TalkMs != 0 || rec.Charge.Amount != "0.00") {
		t.Errorf("talk %d ms, charged %s; nobody talked", rec.TalkMs, rec.Charge.Amount)
	}
	return rec
}

func TestLiveOperatorWhoCallsOutIsNoCall(t *testing.T) {
	t.Parallel()
	r := newRig(t, talkingService, map[string]string{"extensions.d/out.conf": "[agents](+)\nexten => 900,1,Dial(PJSIP/trunk/sip:900@127.0.0.1:1,2)\nexten => 901,1,Answer()\n same => n,Wait(5)\n"})
	r.start(t)
	into := *recordInto
	if into == "" {
		into = t.TempDir()
	}
	keep := r.records(t, filepath.Join(into, "operator-calls-out"))
	c := &cast{T: t, r: r}
	c.over(c.dials("op1", "901", lab.Calls().Pause(second).Bye()))
	keep() // what there was to see has been seen
	if out, code, err := r.gw.Command(r.ctx, "records"); err != nil || code != 0 || out != "" {
		t.Errorf("exit %d, %v; records of an operator's own call:\n%s", code, err, out)
	}
	if strings.Contains(r.gw.Log(), "call.arrived") {
		t.Errorf("an operator's own call arrived as a metered one:\n%s", r.gw.Log())
	}
}
