package ari_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/risposta/gateway/ari"
)

// The names that Asterisk's channel drivers give, as their sources have it. A number of the outside
// world is in no name that evidence keeps; endpoints, hosts and extensions are.
func TestNamesOfChannelsAreMasked(t *testing.T) {
	for name, want := range map[string]string{
		"Local/3331234567@out-00000003;1":           "Local/xxxxxxxx67@out-00000003;1",
		"Local/3331234567@out-10000003;1":           "Local/xxxxxxxx67@out-10000003;1",
		"Local/+39-333-123-4567@out-00000003;2":     "Local/+xx-xxx-xxx-xx67@out-00000003;2",
		"Local/06 1234-5678@out-00000003;2":         "Local/xx xxxx-xx78@out-00000003;2",
		"Local/(06)12345678/n@out-00000003;1":       "Local/(xx)xxxxxx78/n@out-00000003;1",
		"Local/06/1234/5678@out-00000003;1":         "Local/xx/xxxx/xx78@out-00000003;1",
		"Local/0612&345678@out-00000003;1":          "Local/xxxx&xxxx78@out-00000003;1",
		"Local/06.12.34.56@out-00000003;1":          "Local/xx.xx.xx.56@out-00000003;1",
		"Local/*67#3331234567@out-00000003;1":       "Local/*xx#xxxxxxxx67@out-00000003;1",
		"Local/1001@from-queue-00000001;1":          "Local/1001@from-queue-00000001;1",
		"Local/100@ctx2026-00000001;1":              "Local/100@ctx2026-00000001;1",
		"Local/333123@out-00000003;1<ZOMBIE>":       "Local/xxxx23@out-00000003;1<ZOMBIE>",
		"DAHDI/i1/0612345678-1":                     "DAHDI/i1/xxxxxxxx78-1",
		"DAHDI/i1/06-12345678-1a":                   "DAHDI/i1/xx-xxxxxx78-1a",
		"DAHDI/i1/06-12345678":                      "DAHDI/i1/xx-xxxxxx78",
		"DAHDI/1-1":                                 "DAHDI/1-1",
		"DAHDI/pseudo-12345":                        "DAHDI/pseudo-12345",
		"OOH323/3331234567-12":                      "OOH323/xxxxxxxx67-12",
		"OOH323/333-123-4567-12":                    "OOH323/xxx-xxx-xx67-12",
		"Motif/3331234567":                          "Motif/xxxxxxxx67",
		"Motif/3331234567-0a1f":                     "Motif/xxxxxxxx67-0a1f",
		"Skinny/3331234567@SEP00-1":                 "Skinny/xxxxxxxx67@SEP00-1",
		"MGCP/3331234567@gw-1":                      "MGCP/xxxxxxxx67@gw-1",
		"SCCP/3331234567-00000001":                  "SCCP/xxxxxxxx67-00000001",
		"Dongle/dongle0-0100000001":                 "Dongle/dongle0-0100000001",
		"Quectel/3331234567-0100000001":             "Quectel/xxxxxxxx67-0100000001",
		"Console/default-1":                         "Console/default-1",
		"Message/ast_msg_queue":                     "Message/ast_msg_queue",
		"AsyncGoto/DAHDI/i1/0612345678-1":           "AsyncGoto/DAHDI/i1/xxxxxxxx78-1",
		"Surrogate/Local/3331234567@out-00000003;1": "Surrogate/Local/xxxxxxxx67@out-00000003;1",
		"PJSIP/3331234567-00000009":                 "PJSIP/3331234567-00000009",
		"SIP/390612-00000009":                       "SIP/390612-00000009",
		"IAX2/192.0.2.17:4569-1234":                 "IAX2/192.0.2.17:4569-1234",
		"UnicastRTP/192.0.2.17:10000-0x7f5a1c012a":  "UnicastRTP/192.0.2.17:10000-0x7f5a1c012a",
		"AudioSocket/192.0.2.17:9092-1":             "AudioSocket/192.0.2.17:9092-1",
		"":                                          "",
	} {
		if got := ari.MaskName(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
		if got := ari.MaskName(ari.MaskName(name)); got != want {
			t.Errorf("%s, masked twice: %s, want %s", name, got, want)
		}
	}
}

// applications whose arguments may have a number in them, with %s in its place.
var applications = []string{
	"Dial|PJSIP/%s@trunk,30", "Dial|Local/%s@out/n&PJSIP/agent1", "Queue|support,t,https://crm.example/?tel=%s",
	"Queue|support,,,,30,,,lookup^%s", "Transfer|PJSIP/%s", "BlindTransfer|%s", "Page|PJSIP/%s,i",
	"ChanSpy|PJSIP/%s,q", "SIPAddHeader|X-Caller: %s", "PJSIP_HEADER|%s", "Playback|digits/%s",
	"SayDigits|%s", "AGI|agi://127.0.0.1/pop?caller=%s", "Set|CALLERID(num)=%s", "Set|CDR(accountcode)=%s",
	"Gosub|sub,s,1(%s)", "Macro|dial,%s", "Originate|PJSIP/%s@trunk,exten,out,s,1", "SendText|call %s back",
	"Stasis|other,%s", "System|/usr/bin/pop %s", "UserEvent|Caller,Number: %s", "Bridge|PJSIP/%s-00000001",
}

// technologies name their channels with a number in the place of %s.
var technologies = []string{
	"Local/%s@out-0000002a;1", "Local/%s/n@from-internal-0000002a;2", "Local/FM-%s@out-0000002a;1",
	"DAHDI/i1/%s-1", "DAHDI/i2/%s-2f", "OOH323/%s-7", "Motif/%s-0a1f", "Skinny/%s@phone-3", "MGCP/%s@gw-3",
	"SCCP/%s-00000007", "Dongle/%s-0200000001", "Quectel/%s-0100000001", "Console/%s", "Message/%s",
	"AsyncGoto/DAHDI/i1/%s-1", "Surrogate/Local/%s@out-00000003;1", "mISDN/%s-u4", "Khomp/B0C0-%s", "%s",
}

var longRun = regexp.MustCompile(`[0-9]{6}`)

// Whatever number is in the name of a channel, or in the argument of the application that it runs, is
// not in the evidence of an event: neither as it was nor in another run of digits.
func TestEvidenceHasNoNumberOfNamesAndArguments(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.StringMatching(`\+?[1-9][0-9]{5,14}`).Draw(t, "number")
		app, data, _ := strings.Cut(fmt.Sprintf(rapid.SampledFrom(applications).Draw(t, "app"), number), "|")
		name := fmt.Sprintf(rapid.SampledFrom(technologies).Draw(t, "name"), number)
		channel := fmt.Sprintf(`{"id":"c1","name":%q,"state":"Up","dialplan":{"context":"in","exten":%q,`+
			`"app_name":%q,"app_data":%q},"caller":{"number":%q},"connected":{"number":%[2]q}}`,
			name, number, app, data, number)
		kind := rapid.SampledFrom([]string{
			"ChannelCreated", "ChannelDialplan", "ChannelStateChange", "ChannelHangupRequest", "ChannelDestroyed",
			"ChannelHold", "ChannelUnhold", "StasisStart", "StasisEnd", "Dial", "ChannelEnteredBridge",
			"BridgeBlindTransfer", "BridgeAttendedTransfer", "ChannelVarset",
		}).Draw(t, "kind")
		frame := fmt.Sprintf(`{"type":%q,"timestamp":"2026-11-23T09:46:18.000+0000","channel":%s,"peer":%[2]s,`+
			`"caller":%[2]s,"dialstring":%q,"exten":%[3]q,"transferer_first_leg":%[2]s,"args":["announce",%[3]q],`+
			`"bridge":{"id":"b1","bridge_type":"mixing"},"variable":"BRIDGEPEER","value":%[4]q}`,
			kind, channel, number, name)
		ev, err := ari.Decode([]byte(frame))
		if err != nil {
			t.Fatalf("%v: %s", err, frame)
		}
		snapshot := ari.Event{Kind: ari.SnapshotTaken, Snapshot: &ari.Snapshot{Legs: []ari.Leg{{Channel: ev.Channel}}}}
		for _, ev := range []ari.Event{ev, snapshot} {
			line := string(ari.EncodeEvidence(ev))
			// What Asterisk makes itself is no number.
			rest := regexp.MustCompile(`-0[0-9a-f]{7,9}\b|"timestamp":"[^"]*"`).ReplaceAllString(line, "")
			if strings.Contains(line, strings.TrimPrefix(number, "+")) || longRun.MatchString(rest) {
				t.Fatalf("%s in %s", number, line)
			}
		}
	})
}

// What the gateway itself knows of a channel has no number in its name either: patterns of operators
// see the same name at the PBX and in evidence.
func TestNamesAreMaskedWhenTheyAreRead(t *testing.T) {
	const channel = `{"id":"c1","name":"DAHDI/i1/0612345678-1","state":"Up"}`
	channels, err := ari.DecodeChannels([]byte("[" + channel + "]"))
	if err != nil || len(channels) != 1 || channels[0].Endpoint() != "DAHDI/i1/xxxxxxxx78" {
		t.Errorf("a list has %+v, %v", channels, err)
	}
	ev, err := ari.Decode([]byte(`{"type":"ChannelCreated","timestamp":"2026-11-23T09:46:18.000+0000","channel":` +
		channel + `}`))
	if err != nil || ev.Channel.Endpoint() != "DAHDI/i1/xxxxxxxx78" {
		t.Errorf("an event has %+v, %v", ev.Channel, err)
	}
}
