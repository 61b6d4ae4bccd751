package gateway

import (
	"fmt"
	"strings"
	"testing"

	"github.com/risposta/gateway/metering"
)

func TestCallersNumbersAreCountedByTrunk(t *testing.T) {
	w := &pbxWorker{name: "main", metrics: newMetrics(), trunks: map[string]bool{}}
	for _, f := range []metering.Fact{
		{Caller: "c-x", Origin: metering.Origin{Trunk: "PJSIP/a"}},
		{Caller: "c-y", Origin: metering.Origin{Trunk: "PJSIP/a"}},
		{Origin: metering.Origin{Trunk: "PJSIP/a", CallerUnread: true}},
		{Origin: metering.Origin{Trunk: "PJSIP/b"}},
	} {
		w.countCaller(f)
	}
	for i := range 2 * maxTrunks {
		w.countCaller(metering.Fact{Origin: metering.Origin{Trunk: fmt.Sprintf("IAX2/%d", i)}})
	}
	families, err := w.metrics.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		if f.GetName() != "risposta_caller_numbers_total" {
			continue
		}
		for _, m := range f.GetMetric() {
			var labels []string // pbx, result, trunk
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetValue())
			}
			got[strings.Join(labels, " ")] = m.GetCounter().GetValue()
		}
	}
	for series, want := range map[string]float64{
		"main read PJSIP/a": 2, "main not_understood PJSIP/a": 1, "main withheld PJSIP/b": 1,
		"main withheld IAX2/0": 1, "main withheld other": maxTrunks + 2,
	} {
		if got[series] != want {
			t.Errorf("%s: %v, want %v", series, got[series], want)
		}
	}
	if len(got) != maxTrunks+2 {
		t.Errorf("%d series, want the bound", len(got))
	}
}
