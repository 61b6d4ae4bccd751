package gateway

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/risposta/gateway/metering/quality"
)

// objectives are the metrics of what is aimed at in the present year, so that an alert compares with
// the configuration and not with a number of its own.
type objectives struct {
	all []quality.Objective
	now func() time.Time
}

var (
	objectiveLabels = []string{"service", "indicator"}
	objectiveTime   = prometheus.NewDesc("risposta_objective_seconds",
		"The objective of this year for an indicator that is a time.", objectiveLabels, nil)
	objectiveShare = prometheus.NewDesc("risposta_objective_ratio",
		"The objective of this year for an indicator that is a share.", objectiveLabels, nil)
)

// Describe implements prometheus.Collector.
func (objectives) Describe(to chan<- *prometheus.Desc) {
	to <- objectiveTime
	to <- objectiveShare
}

// Collect implements prometheus.Collector.
func (o objectives) Collect(to chan<- prometheus.Metric) {
	year := o.now().UTC().Year()
	for _, x := range o.all {
		i, ok := quality.Find(x.Indicator)
		if !ok || x.Year != year {
			continue
		}
		desc := objectiveTime
		switch i.Unit {
		case quality.Share:
			desc = objectiveShare
		case quality.Score:
			continue // of a survey: no alert
		default:
		}
		to <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, x.Limit, x.Service, x.Indicator)
	}
}
