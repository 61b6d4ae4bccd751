package gateway

import "github.com/risposta/gateway/metering"

const (
	// maxTrunks bounds the trunks that a PBX's metrics name. Calls of any other are otherTrunk's.
	maxTrunks  = 64
	otherTrunk = "other"
)

// countCaller counts whether the number of a caller who has arrived was understood.
func (w *pbxWorker) countCaller(arrival metering.Fact) {
	trunk := arrival.Origin.Trunk
	if !w.trunks[trunk] {
		if len(w.trunks) >= maxTrunks {
			trunk = otherTrunk
		} else {
			w.trunks[trunk] = true
		}
	}
	result := "read"
	switch {
	case arrival.Origin.CallerUnread:
		result = "not_understood"
	case arrival.Caller == "":
		result = "withheld"
	}
	w.metrics.callerNumbers.WithLabelValues(w.name, trunk, result).Inc()
}
