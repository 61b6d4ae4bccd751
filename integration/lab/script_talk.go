package lab

import (
	"fmt"
	"time"
)

// speechFile is the audio that Speaks repeats; each phone has a copy beside its scenario.
const speechFile = "speech.ulaw"

// Speaks sends audio until the end of the call. Asterisk optimises Local channels out of a path
// only when audio flows.
func (s *Script) Speaks() *Script {
	fmt.Fprintf(&s.xml, `<nop><action><exec rtp_stream="%s,-1,0,PCMU/8000"/></action></nop>
`, speechFile)
	s.index++
	return s
}

// Hold puts the other side on hold.
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
		s.request("INFO", "Content-Type: application/dtmf-relay\n",
			fmt.Sprintf("Signal=%c\nDuration=100\n", k))
		s.recv(`response="200"`)
		s.Pause(120 * time.Millisecond)
	}
	return s
}
