//go:build live

package integration

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/integration/lab"
)

// allowsMessage is what a phone's INVITE says that takes texts.
const allowsMessage = "Allow: INVITE, ACK, BYE, CANCEL, MESSAGE\n"

// SendText() sends a SIP MESSAGE in the caller's dialog, also before the answer, and goes on at once,
// with SUCCESS whatever the phone responds. A call that is answered is ended where the phone says that
// it knows no such dialog, or has not responded in 32 s. CELGenUserEvent and a variable mark an
// instant for the CEL and for ARI.
func TestObserveTextToACaller(t *testing.T) {
	t.Parallel()
	statuses := map[string]string{
		"takes": "200 OK", "refuses": "405 Method Not Allowed",
		"unknown": "481 Call/Transaction Does Not Exist", "ignores": "",
	}
	var services []service
	for _, name := range []string{"takes", "refuses", "unknown", "ignores"} {
		const before = "Progress(); Set(RISPOSTA_CHOICE=1); CELGenUserEvent(RISPOSTA_CHOICE); " +
			"Set(ALLOWED=${PJSIP_HEADER(read,Allow)}); SendText(It costs 0.96 EUR, a minute); " +
			"Set(SENT=${SENDTEXTSTATUS}); "
		services = append(services,
			service{name: name, dialplan: before + "Wait(40); Hangup(17)"},
			service{name: name + "-answered",
				dialplan: before + "Wait(1); Answer(); Wait(40); Hangup(17)"})
	}
	o := observe(t, "text", services, nil)
	var parties []*lab.Party
	for i, s := range services {
		name, answered := strings.CutSuffix(s.name, "-answered")
		script := lab.AtFrontDesk(allowsMessage).Speaks().TakesText(statuses[name])
		if answered {
			script = script.Answered().WaitBye().Patient()
		} else {
			script = script.LetGo()
		}
		parties = append(parties, o.caller(t, i, script))
	}
	o.wait(parties...)
	for i, s := range services {
		exten := numberOf(i)
		var began, ended time.Time
		for _, f := range o.frames() {
			if f.at("channel.dialplan.exten") != exten {
				continue
			}
			at, err := time.Parse("2006-01-02T15:04:05.000-0700", f.at("timestamp"))
			if err != nil {
				t.Fatal(err)
			}
			switch kind, name := f.at("type"), f.at("variable"); {
			case kind == "ChannelVarset" && name == "RISPOSTA_CHOICE":
				began = at
			case kind == "ChannelVarset" && name == "ALLOWED":
				if !strings.Contains(f.at("value"), "MESSAGE") {
					t.Errorf("%s: the phone allows %q", s.name, f.at("value"))
				}
			case kind == "ChannelVarset" && name == "SENT":
				if took := at.Sub(began); f.at("value") != "SUCCESS" || took > 200*time.Millisecond {
					t.Errorf("%s: %s after %s", s.name, f.at("value"), took)
				}
			case kind == "ChannelDestroyed":
				ended = at
			}
		}
		lived, least, most := ended.Sub(began), 40*time.Second, time.Minute
		switch s.name {
		case "unknown-answered":
			least, most = 0, 10*time.Second
		case "ignores-answered":
			least, most = 32*time.Second, 36*time.Second
		}
		t.Logf("%s: the call lived %s", s.name, lived)
		if lived < least || lived > most {
			t.Errorf("%s: the call lived %s, want %s to %s", s.name, lived, least, most)
		}
	}
	cel, err := o.pbx.Log(o.ctx, "cel-custom/cel.csv")
	if marks := strings.Count(cel, `"RISPOSTA_CHOICE",`); err != nil || marks != len(services) {
		t.Errorf("%d marks in the CEL, %v", marks, err)
	}
}

// texting is the dialplan of a service with an announcement that is sent as a text, too.
const texting = "Progress(); Gosub(risposta,announce,1(en,text)); Queue({queue})"

// A caller whose phone takes texts gets what is announced as one, where the dialplan wants it; a phone
// that does not is sent none. At the slow pace, and with the expected wait, of which nothing is known.
func TestLongFrontDeskSendsTexts(t *testing.T) {
	t.Parallel()
	services := []service{
		servedBy("op1", "reads", texting), servedBy("op2", "does-not-read", texting),
		servedBy("op3", "refuses", texting), servedBy("op4", "is-sent-none", announcing),
	}
	h := newHarnessWith(t, strings.Replace(frontDeskConfig, "front_desk: {language: en}",
		"front_desk: {language: en, pace: slow, tell_wait: true}", 1), services, longWait)
	h.start(t)
	for i := range services {
		h.operator(t, fmt.Sprintf("op%d", i+1), lab.Called(half).WaitBye())
	}
	const slowly = 40 * time.Second // the announcement at the slow pace, with the prompts of the image
	agrees := func(s *lab.Script) *lab.Script {
		return s.Speaks().Pause(slowly).Keys("1").Answered().Pause(2 * second).Bye()
	}
	h.finish(t,
		h.caller(t, 0, agrees(lab.AtFrontDesk(allowsMessage).TakesText("200 OK"))),
		h.caller(t, 1, agrees(lab.AtFrontDesk())),
		h.caller(t, 2, agrees(lab.AtFrontDesk(allowsMessage).TakesText("405 Method Not Allowed"))),
		h.caller(t, 3, agrees(lab.AtFrontDesk(allowsMessage))),
	)
	for _, s := range services {
		rec := h.record(t, s.name)
		if rec.Reasons[0] != "talk" || rec.Announcement.Consent != "given" ||
			rec.Announcement.WaitToldAt.IsZero() || rec.Announcement.WaitSeconds != 0 {
			t.Errorf("%s: %+v, %+v", s.name, rec.Reasons, rec.Announcement)
		}
	}
	_, metrics, err := h.gw.Get(h.ctx, "/metrics")
	for _, want := range []string{
		`risposta_desk_texts_total{result="sent"} 2`,
		`risposta_desk_callers_total{result="texted",step="text"} 2`,
	} {
		if err != nil || !strings.Contains(metrics, want) {
			t.Errorf("the metrics lack %s, %v", want, err)
		}
	}
	h.wantVerified(t, "")
}
