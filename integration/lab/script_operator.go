package lab

import (
	"fmt"
	"time"
)

// Called begins an operator's script: the phone rings for some time, then answers.
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

// Cancelled ends the script of an operator who never answers: Asterisk cancels the call.
func (s *Script) Cancelled() *Script {
	s.recv(`request="CANCEL"`)
	return s.respond("ok", "", "")
}

// Refuse ends an operator's script with a refusal, such as "486 Busy Here" or "302 Moved
// Temporarily".
func (s *Script) Refuse(status, extra string) *Script {
	s.respond(status, extra, "")
	s.recv(`request="ACK"`)
	return s
}

// Refer transfers the other side to a number. It hangs up when Asterisk reports that the transfer
// is done, because Asterisk leaves that to the phone.
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
	const ok = `SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
`
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

// ReferToConsulted transfers the other side to the party that Consult called: an attended transfer.
// Asterisk ends the second dialog itself.
func (s *Script) ReferToConsulted(number string) *Script {
	const replaces = "Replaces=consult%2F%2F%2F[call_id]" +
		"%3Bto-tag%3D[$consulted]%3Bfrom-tag%3Dconsult"
	return s.refer("sip:" + number + "@[remote_ip]:[remote_port]?" + replaces)
}
