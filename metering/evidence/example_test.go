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
	gap := evidence.Gap{At: metering.Time{Time: at}, Reason: "silence"}
	answer := metering.Exemption{Verdict: metering.ExemptYes, Ref: "e-17"}
	frames := [][]byte{
		gap.Encode(),
		evidence.NewExemption("c1", at, answer),
	}
	fmt.Printf("%s\n", frames[0])
	fact, err := evidence.ReadExemption(frames[1])
	fmt.Println(fact.Kind, fact.Exemption.Verdict, err)
	fmt.Println(evidence.DigestOf(frames).Evidence().Events, "frames")
	// Output:
	// {"type":"risposta.Gap","timestamp":"2026-11-23T10:00:05.000Z","reason":"silence"}
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
