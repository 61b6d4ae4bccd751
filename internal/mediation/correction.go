package mediation

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/risposta/gateway/metering"
)

// resolvedType is the frame that stands in a call's evidence after its end where it was learned later whether the caller was exempt.
const resolvedType = "risposta.Resolved"

// resolvedFrame is such a word. At is when it was learned, by our own clock: nothing is reckoned with it.
type resolvedFrame struct {
	Type   string          `json:"type"`
	At     metering.Time   `json:"timestamp"`
	Call   metering.CallID `json:"call"`
	Exempt string          `json:"exempt"`
	Ref    string          `json:"ref"`
	Why    metering.Reason `json:"why"`
}

// ResolvedFrame is the frame that says so; why is settled, refunded or given_up.
func ResolvedFrame(call metering.CallID, at time.Time, e metering.Exemption, why metering.Reason) []byte {
	return encode(resolvedFrame{Type: resolvedType, At: metering.Time{Time: at}, Call: call, Exempt: e.Verdict.String(), Ref: e.Ref, Why: why})
}

// amend takes a frame that came after the call's end into the call, and makes the next version of its record from all frames up to it.
func amend(call *metering.Call, version int, frame []byte, all [][]byte) (metering.Record, error) {
	var peek struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(frame, &peek); err != nil {
		return metering.Record{}, err
	}
	switch peek.Type {
	case reconciledType:
		if err := reconcile(call, frame); err != nil {
			return metering.Record{}, err
		}
	case resolvedType:
		if err := resolve(call, frame); err != nil {
			return metering.Record{}, err
		}
	default:
		return metering.Record{}, fmt.Errorf("a %s frame after the call's end", peek.Type)
	}
	digest := sha256.New()
	for _, line := range all {
		digest.Write(line)
		digest.Write([]byte{'\n'})
	}
	return metering.NewVersion(call, version, metering.Evidence{Events: len(all), Digest: "sha256:" + hex.EncodeToString(digest.Sum(nil))}), nil
}

func resolve(call *metering.Call, frame []byte) error {
	var f resolvedFrame
	if err := json.Unmarshal(frame, &f); err != nil {
		return err
	}
	switch f.Why {
	case metering.ReasonResolved, metering.ReasonCredited, metering.ReasonGivenUp:
	default:
		return fmt.Errorf("a call is not settled because of %q", f.Why)
	}
	if !call.Resolve(metering.Exemption{Verdict: metering.ParseVerdict(f.Exempt), Ref: f.Ref}, f.Why) {
		return fmt.Errorf("%s changes nothing: the caller is known as %s", f.Exempt, call.Exemption.Verdict)
	}
	return nil
}
