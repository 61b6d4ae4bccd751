package lab

import (
	"fmt"
	"strings"
	"time"
)

// Script is what a phone does, step by step; it becomes a sipp scenario. A caller's script begins with the call, an operator's with being
// called. Each ends with a Bye, WaitBye, Refuse, Cancelled or GiveUp.
type Script struct {
	caller bool
	// patient: responses that the script does not name are passed over. Asterisk says 183 again with each prompt.
	patient bool
	cseq    int
	index   int // of the next message, for the branch of a CANCEL
	xml     strings.Builder
}

// the parts of a message that tell the two sides of a dialog apart
func (s *Script) request(method, extra, body string) {
	s.cseq++
	s.requestAs(method, method, s.cseq, extra, body)
}

func (s *Script) requestAs(method, cseqMethod string, cseq int, extra, body string) {
	target, from, to := "[$peer]", `<[$us]>;tag=[pid]o[call_number]`, "[$them]"
	if s.caller {
		target = "[next_url]"
		from = `<sip:[caller]@[local_ip]:[local_port]>;tag=[call_number]`
		to = " <sip:[service]@[remote_ip]:[remote_port]>[peer_tag_param]"
	}
	retrans := ` retrans="500"`
	if method == "ACK" {
		retrans = ""
	}
	s.send(retrans, fmt.Sprintf(`%s %s SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: %s
To:%s
Call-ID: [call_id]
CSeq: %d %s
Contact: <sip:phone@[local_ip]:[local_port]>
Max-Forwards: 70
%s`, method, target, from, to, cseq, cseqMethod, extra), body)
}

func (s *Script) send(attributes, head, body string) {
	if body == "" {
		head += "Content-Length: 0\n"
	} else {
		head += "Content-Length: [len]\n"
	}
	fmt.Fprintf(&s.xml, "<send%s><![CDATA[\n%s\n%s\n]]></send>\n", attributes, head, body)
	s.index++
}

func (s *Script) recv(attributes string) {
	fmt.Fprintf(&s.xml, "<recv %s/>\n", attributes)
	s.index++
}

func sdp(direction string) string {
	return "v=0\no=phone 1 [call_number] IN IP4 [local_ip]\ns=-\nc=IN IP4 [media_ip]\nt=0 0\nm=audio [media_port] RTP/AVP 0\na=rtpmap:0 PCMU/8000\na=" + direction + "\n"
}

const sdpType = "Content-Type: application/sdp\n"

func (s *Script) respond(status, extra, body string) *Script {
	tag := ";tag=[pid]o[call_number]"
	if status == "ok" {
		status, tag = "200 OK", ""
	}
	if !strings.Contains(extra, "Contact:") {
		extra = "Contact: <sip:phone@[local_ip]:[local_port]>\n" + extra
	}
	s.send("", fmt.Sprintf("SIP/2.0 %s\n[last_Via:]\n[last_From:]\n[last_To:]%s\n[last_Call-ID:]\n[last_CSeq:]\n%s", status, tag, extra), body)
	return s
}

// Calls begins a caller's script: it dials, and goes on when it is answered.
func Calls() *Script {
	s := invite()
	s.recv(`response="100" optional="true"`)
	s.recv(`response="180" optional="true"`)
	s.recv(`response="183" optional="true"`)
	s.recv(`response="200" rrs="true"`)
	s.requestAs("ACK", "ACK", s.cseq, "", "")
	return s
}

func invite() *Script {
	s := &Script{caller: true, cseq: 1}
	s.send(` retrans="500"`, `INVITE sip:[service]@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: "[caller_name]" <sip:[caller]@[local_ip]:[local_port]>;tag=[call_number]
To: <sip:[service]@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 1 INVITE
Contact: <sip:[caller]@[local_ip]:[local_port]>
Max-Forwards: 70
`+sdpType, sdp("sendrecv"))
	return s
}

// GivesUp is the whole script of a caller who is never answered and cancels after a time of early media.
func GivesUp(after time.Duration) *Script {
	s := invite()
	s.recv(`response="100" optional="true"`)
	s.recv(`response="180" optional="true"`)
	s.recv(`response="183"`)
	s.Pause(after)
	bare := func(method string) {
		tag := ""
		if method == "ACK" {
			tag = "[peer_tag_param]"
		}
		s.send("", fmt.Sprintf(`%s sip:[service]@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch-%d]
From: "[caller_name]" <sip:[caller]@[local_ip]:[local_port]>;tag=[call_number]
To: <sip:[service]@[remote_ip]:[remote_port]>%s
Call-ID: [call_id]
CSeq: 1 %s
Max-Forwards: 70
`, method, s.index, tag, method), "")
	}
	bare("CANCEL")
	s.recv(`response="200"`)
	s.recv(`response="487"`)
	bare("ACK")
	return s
}

// Called begins an operator's script: the phone rings for a time, then answers.
func Called(rings time.Duration) *Script {
	return Ringing().Pause(rings).answer()
}

// Ringing begins the script of an operator who has not answered yet.
func Ringing() *Script {
	s := &Script{cseq: 100}
	s.xml.WriteString(`<recv request="INVITE" rrs="true"><action>
<ereg regexp="sip:[^>;]*" search_in="hdr" header="Contact:" assign_to="peer"/>
<ereg regexp=".*" search_in="hdr" header="From:" assign_to="them"/>
<ereg regexp="sip:[^>;]*" search_in="hdr" header="To:" assign_to="us"/>
</action></recv>
<Reference variables="peer,them,us"/>
`)
	return s.respond("180 Ringing", "", "")
}

func (s *Script) answer() *Script {
	s.respond("200 OK", sdpType, sdp("sendrecv"))
	s.recv(`request="ACK"`)
	return s
}

// Cancelled ends the script of an operator who never answers: Asterisk takes the call back.
func (s *Script) Cancelled() *Script {
	s.recv(`request="CANCEL"`)
	return s.respond("ok", "", "")
}

// Refuse ends an operator's script with a refusal, such as "486 Busy Here" or "302 Moved Temporarily".
func (s *Script) Refuse(status, extra string) *Script {
	s.respond(status, extra, "")
	s.recv(`request="ACK"`)
	return s
}

// Pause waits.
func (s *Script) Pause(d time.Duration) *Script {
	fmt.Fprintf(&s.xml, "<pause milliseconds=\"%d\"/>\n", d.Milliseconds())
	s.index++
	return s
}

// speechFile is what Speaks sends, over and over: each phone has it beside its scenario.
const speechFile = "speech.ulaw"

// Speaks begins to send audio, to the end of the call. Asterisk takes Local channels out of a path only when audio flows.
func (s *Script) Speaks() *Script {
	fmt.Fprintf(&s.xml, "<nop><action><exec rtp_stream=\"%s,-1,0,PCMU/8000\"/></action></nop>\n", speechFile)
	s.index++
	return s
}

// Hold puts the other side on hold; Unhold takes it back.
func (s *Script) Hold() *Script { return s.reinvite("sendonly") }

// Unhold ends a hold.
func (s *Script) Unhold() *Script { return s.reinvite("sendrecv") }

func (s *Script) reinvite(direction string) *Script {
	s.request("INVITE", sdpType, sdp(direction))
	s.recv(`response="100" optional="true"`)
	s.recv(`response="200"`)
	s.requestAs("ACK", "ACK", s.cseq, "", "")
	return s
}

// Keys presses keys of the phone, one after the other, by SIP INFO.
func (s *Script) Keys(keys string) *Script {
	for _, k := range keys {
		s.request("INFO", "Content-Type: application/dtmf-relay\n", fmt.Sprintf("Signal=%c\nDuration=100\n", k))
		s.recv(`response="200"`)
		s.Pause(120 * time.Millisecond)
	}
	return s
}

// Refer transfers the other side to a number, and hangs up when Asterisk reports that it is done: it leaves the hanging up to the phone.
func (s *Script) Refer(number string) *Script {
	return s.refer("sip:" + number + "@[remote_ip]:[remote_port]")
}

func (s *Script) refer(to string) *Script {
	s.request("REFER", "Refer-To: <"+to+">\nReferred-By: <[$us]>\n", "")
	s.recv(`response="202"`)
	s.xml.WriteString(`<label id="report"/>
<recv request="NOTIFY" next="over" test="over"><action>
<ereg regexp="terminated" search_in="hdr" header="Subscription-State:" assign_to="over"/>
</action></recv>
`)
	const ok = "SIP/2.0 200 OK\n[last_Via:]\n[last_From:]\n[last_To:]\n[last_Call-ID:]\n[last_CSeq:]\n"
	s.send(` next="report"`, ok, "")
	s.xml.WriteString("<label id=\"over\"/>\n")
	s.send("", ok, "")
	return s.Bye()
}

// Consult calls a number in a second dialog and waits for the answer.
func (s *Script) Consult(number string) *Script {
	head := func(method, to string) string {
		return fmt.Sprintf(`%s sip:%s@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <[$us]>;tag=consult
To: <sip:%s@[remote_ip]:[remote_port]>%s
Call-ID: consult///[call_id]
CSeq: 1 %s
Contact: <sip:phone@[local_ip]:[local_port]>
Max-Forwards: 70
`, method, number, number, to, method)
	}
	s.send(` retrans="500"`, head("INVITE", "")+sdpType, sdp("sendrecv"))
	s.recv(`response="100" optional="true"`)
	s.recv(`response="180" optional="true"`)
	s.recv(`response="183" optional="true"`)
	s.xml.WriteString(`<recv response="200"><action>
<ereg regexp="tag=([^;>]*)" search_in="hdr" header="To:" assign_to="whole,consulted"/>
</action></recv>
<Reference variables="whole"/>
`)
	s.index++
	s.send("", head("ACK", ";tag=[$consulted]"), "")
	return s
}

// ReferToConsulted transfers the other side to whom Consult has called: an attended transfer. Asterisk ends the second dialog itself.
func (s *Script) ReferToConsulted(number string) *Script {
	return s.refer(fmt.Sprintf("sip:%s@[remote_ip]:[remote_port]?Replaces=consult%%2F%%2F%%2F[call_id]%%3Bto-tag%%3D[$consulted]%%3Bfrom-tag%%3Dconsult", number))
}

// Bye hangs up.
func (s *Script) Bye() *Script {
	s.request("BYE", "", "")
	s.recv(`response="200"`)
	return s
}

// WaitBye waits until the other side hangs up.
func (s *Script) WaitBye() *Script {
	s.recv(`request="BYE"`)
	return s.respond("ok", "", "")
}

// scenario is the whole as sipp reads it.
func (s *Script) scenario() string {
	return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<scenario name=\"script\">\n" + s.xml.String() + "</scenario>\n"
}

// Unanswered is the whole script of a caller whom the service lets go without an answer.
func Unanswered() *Script {
	s := invite()
	s.recv(`response="100" optional="true"`)
	s.recv(`response="180" optional="true"`)
	s.recv(`response="183" optional="true"`)
	return s.letGo()
}

func (s *Script) letGo() *Script {
	for _, status := range []string{"480", "486", "603"} {
		s.recv(`response="` + status + `" optional="true" next="let-go"`)
	}
	s.recv(`response="503"`)
	s.xml.WriteString("<label id=\"let-go\"/>\n")
	s.send("", `ACK sip:[service]@[remote_ip]:[remote_port] SIP/2.0
[last_Via:]
From: "[caller_name]" <sip:[caller]@[local_ip]:[local_port]>;tag=[call_number]
To: <sip:[service]@[remote_ip]:[remote_port]>[peer_tag_param]
Call-ID: [call_id]
CSeq: 1 ACK
Max-Forwards: 70
`, "")
	return s
}

// AtDesk begins a caller's script: it dials, and hears the front desk in early media, unanswered.
func AtDesk() *Script {
	s := invite()
	s.patient = true
	s.recv(`response="100" optional="true"`)
	s.recv(`response="180" optional="true"`)
	s.recv(`response="183" rrs="true"`)
	return s
}

// Answered waits, after AtDesk, until an operator answers.
func (s *Script) Answered() *Script {
	s.recv(`response="180" optional="true"`)
	s.recv(`response="183" optional="true"`)
	s.recv(`response="200" rrs="true"`)
	s.requestAs("ACK", "ACK", 1, "", "")
	return s
}

// LetGo waits, after AtDesk, until the service lets the caller go without an answer.
func (s *Script) LetGo() *Script {
	s.recv(`response="183" optional="true"`)
	return s.letGo()
}
