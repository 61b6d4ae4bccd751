package lab

import (
	"fmt"
	"strings"
)

// OffersNothing sends a re-INVITE without SDP and answers Asterisk's offer, in the ACK, with a
// direction.
func (s *Script) OffersNothing(direction string) *Script {
	s.request("INVITE", "", "")
	s.recv(`response="100" optional="true"`)
	s.recv(`response="200"`)
	s.requestAs("ACK", "ACK", s.cseq, sdpType, sdp(direction))
	return s
}

// Dialog names one SIP dialog, as Asterisk sees it.
type Dialog struct{ CallID, LocalTag, RemoteTag string }

// Replacing begins the script of a phone whose INVITE takes the place of another phone's dialog.
func Replacing(d Dialog) *Script {
	s := invite()
	header := fmt.Sprintf("Require: replaces\nReplaces: %s;to-tag=%s;from-tag=%s\n",
		d.CallID, d.LocalTag, d.RemoteTag)
	whole := strings.Replace(s.xml.String(), "Max-Forwards: 70\n", "Max-Forwards: 70\n"+header, 1)
	s.xml.Reset()
	s.xml.WriteString(whole)
	s.recv(`response="100" optional="true"`)
	s.recv(`response="180" optional="true"`)
	s.recv(`response="183" optional="true"`)
	s.recv(`response="200" rrs="true"`)
	s.requestAs("ACK", "ACK", s.cseq, "", "")
	return s
}

// Redirects puts a media direction other than Hold's and Unhold's: "inactive", "recvonly".
func (s *Script) Redirects(direction string) *Script { return s.reinvite(direction) }

// Mutes stops the audio that Speaks began: the phone sends no RTP at all.
func (s *Script) Mutes() *Script {
	s.xml.WriteString("<nop><action><exec rtp_stream=\"pause\"/></action></nop>\n")
	s.index++
	return s
}

// Patient passes over messages that the script does not name: repeated ones, on a slow machine.
func (s *Script) Patient() *Script {
	s.passesResponses = true
	return s
}

// TakesText receives a SIP MESSAGE in the dialog, and responds with a status such as "200 OK"; "":
// not at all.
func (s *Script) TakesText(status string) *Script {
	s.recv(`request="MESSAGE"`)
	if status != "" {
		s.send("", "SIP/2.0 "+status+"\n"+`[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
`, "")
	}
	return s
}
