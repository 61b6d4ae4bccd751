package mediation

import (
	"fmt"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/evidence"
)

// correct takes in a frame that stands after the end of the call, and makes the next version of the
// record from all frames up to it.
func (r *replay) correct(frame []byte) error {
	call, err := r.out.Calls[0], error(nil)
	switch typ := ari.PeekType(frame); typ {
	case evidence.TypeReconciled:
		err = r.reconcile(call, frame)
	case evidence.TypeResolved:
		err = resolve(call, frame)
	default:
		err = fmt.Errorf("a frame of type %q after the end of the call", typ)
	}
	if err != nil {
		return err
	}
	version := metering.NewVersion(call, len(r.out.Records)+1, r.digest.Evidence())
	r.out.Records = append(r.out.Records, version)
	return nil
}

func resolve(call *metering.Call, frame []byte) error {
	resolved, e, err := evidence.ReadResolved(frame)
	if err != nil {
		return err
	}
	switch resolved.Why {
	case metering.ReasonResolved, metering.ReasonCredited, metering.ReasonGivenUp:
	default:
		return fmt.Errorf("why: %q does not resolve a record", resolved.Why)
	}
	if !call.Resolve(e, resolved.Why) {
		return fmt.Errorf("exempt %s changes nothing: the answer was %s already",
			resolved.Exempt, call.Exemption.Verdict)
	}
	return nil
}
