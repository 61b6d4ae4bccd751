package evidence_test

import (
	"fmt"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/evidence"
)

// A gap and an answer, as they stand in the evidence of a call, and the digest of the two frames.
func Example() {
	at := time.Date(2026, 11, 23, 10, 0, 5, 0, time.UTC)
	gap := evidence.Gap{At: metering.Time{Time: at}, Node: "pbx1", Reason: "connection_lost"}
	answer := metering.Exemption{Verdict: metering.ExemptYes, Ref: "e-17"}
	frames := [][]byte{
		gap.Encode(),
		evidence.NewExemption("pbx1-1795427174.114", at, answer),
	}
	for _, frame := range frames {
		fmt.Printf("%s\n", frame)
	}
	fact, err := evidence.ReadExemption(frames[1])
	fmt.Println(fact.Kind, fact.Exemption.Verdict, err)
	fmt.Println(evidence.DigestOf(frames).Evidence().Events, "frames")
	// Output:
	// {"type":"risposta.Gap","timestamp":"2026-11-23T10:00:05.000Z","asterisk_id":"pbx1","reason":"connection_lost"}
	// {"type":"risposta.Exemption","timestamp":"2026-11-23T10:00:05.000Z","call":"pbx1-1795427174.114","exempt":"yes","ref":"e-17"}
	// exemption.answered yes <nil>
	// 2 frames
}

// The digest in a record is what sha256sum gives for the frames, one a line.
func ExampleDigest() {
	d := evidence.NewDigest()
	d.Add([]byte(`{"type":"risposta.Gap"}`))
	fmt.Println(d.Evidence().Digest)
	// Output:
	// sha256:1a18cd0ab9024cc159c56fa0659d3d8622c79b4242c541391c2be198a0961de6
}
