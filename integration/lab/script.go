package lab

import (
	"fmt"
	"strings"
	"time"
)

// Script is what a phone does, step by step; it becomes a sipp scenario.
//
// A caller's script begins with Calls, AtFrontDesk, GivesUp or Unanswered, an operator's with
// Called or Ringing. Each ends with a step that ends the call: Bye, WaitBye, Refuse, Cancelled or
// LetGo.
type Script struct {
	caller bool
	// passesResponses ignores responses that the script does not name. Asterisk repeats its 183
	// with each prompt.
	passesResponses bool
	cseq            int
	index           int // of the next message, for the branch of a CANCEL
	xml             strings.Builder
}

// scenario is the whole script in sipp's XML.
func (s *Script) scenario() string {
	return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<scenario name=\"script\">\n" +
		s.xml.String() + "</scenario>\n"
}

// request sends a request within the dialog.
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

func (s *Script) respond(status, extra, body string) *Script {
	tag := ";tag=[pid]o[call_number]"
	if status == "ok" {
		status, tag = "200 OK", ""
	}
	if !strings.Contains(extra, "Contact:") {
		extra = "Contact: <sip:phone@[local_ip]:[local_port]>\n" + extra
	}
	s.send("", fmt.Sprintf(`SIP/2.0 %s
[last_Via:]
[last_From:]
[last_To:]%s
[last_Call-ID:]
[last_CSeq:]
%s`, status, tag, extra), body)
	return s
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

const sdpType = "Content-Type: application/sdp\n"

func sdp(direction string) string {
	return `v=0
o=phone 1 [call_number] IN IP4 [local_ip]
s=-
c=IN IP4 [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 0
a=rtpmap:0 PCMU/8000
a=` + direction + "\n"
}

// Pause waits.
func (s *Script) Pause(d time.Duration) *Script {
	fmt.Fprintf(&s.xml, "<pause milliseconds=\"%d\"/>\n", d.Milliseconds())
	s.index++
	return s
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
