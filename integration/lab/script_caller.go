package lab

import (
	"fmt"
	"strings"
	"time"
)

// Calls begins a caller's script: it dials and waits for the answer.
func Calls() *Script {
	s := invite()
	s.recv(`response="100" optional="true"`)
	s.recv(`response="180" optional="true"`)
	s.recv(`response="183" optional="true"`)
	s.recv(`response="200" rrs="true"`)
	s.requestAs("ACK", "ACK", s.cseq, "", "")
	return s
}

// invite dials, with further header lines in the INVITE.
func invite(headers ...string) *Script {
	s := &Script{caller: true, cseq: 1}
	s.send(` retrans="500"`, `INVITE sip:[service]@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: "[caller_name]" <sip:[caller]@[local_ip]:[local_port]>;tag=[call_number]
To: <sip:[service]@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 1 INVITE
Contact: <sip:[caller]@[local_ip]:[local_port]>
Max-Forwards: 70
`+strings.Join(headers, "")+sdpType, sdp("sendrecv"))
	return s
}

// GivesUp is the whole script of a caller who is never answered, and cancels after some time of
// early media.
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

// Unanswered is the whole script of a caller whom the service releases without an answer.
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

// AtFrontDesk begins a caller's script: it dials, with further header lines, and hears the front desk
// in early media, unanswered.
func AtFrontDesk(headers ...string) *Script {
	s := invite(headers...)
	s.passesResponses = true
	s.recv(`response="100" optional="true"`)
	s.recv(`response="180" optional="true"`)
	s.recv(`response="183" rrs="true"`)
	return s
}

// Answered waits, after AtFrontDesk, until an operator answers.
func (s *Script) Answered() *Script {
	s.recv(`response="180" optional="true"`)
	s.recv(`response="183" optional="true"`)
	s.recv(`response="200" rrs="true"`)
	s.requestAs("ACK", "ACK", 1, "", "")
	return s
}

// LetGo waits, after AtFrontDesk, until the service releases the caller without an answer.
func (s *Script) LetGo() *Script {
	s.recv(`response="183" optional="true"`)
	return s.letGo()
}
