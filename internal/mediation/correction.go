package mediation

import (
	"fmt"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/evidence"
)

// correct takes a frame that came after the call's end into the call, and makes the next version of
// its record from all frames up to it.
func correct(call *metering.Call, version int, frame []byte, all [][]byte) (metering.Record, error) {
	typ, err := evidence.TypeOf(frame)
	if err != nil {
		return metering.Record{}, err
	}
	switch typ {
	case evidence.TypeReconciled:
		err = reconcile(call, frame)
	case evidence.TypeResolved:
		err = resolve(call, frame)
	default:
		err = fmt.Errorf("a %s frame after the call's end", typ)
	}
	if err != nil {
		return metering.Record{}, err
	}
	return metering.NewVersion(call, version, evidence.DigestOf(all).Evidence()), nil
}

func resolve(call *metering.Call, frame []byte) error {
	r, e, err := evidence.ReadResolved(frame)
	if err != nil {
		return err
	}
	switch r.Why {
	case metering.ReasonResolved, metering.ReasonCredited, metering.ReasonGivenUp:
	default:
		return fmt.Errorf("%q is no reason to resolve a record", r.Why)
	}
	if !call.Resolve(e, r.Why) {
		return fmt.Errorf("%s changes nothing: the caller is known as %s", r.Exempt, call.Exemption.Verdict)
	}
	return nil
}
