package gateway

import (
	"math"
	"path/filepath"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sys/unix"
)

// watchDisk adds what is left of the ledger's disk to the metrics, and how long the write-ahead logs
// are: a reader that does not end keeps a log from being written over. register may be "".
func (m *metrics) watchDisk(ledgerFile, register string) {
	if register != "" {
		m.registry.MustRegister(logGauge("risposta_exemption_register_wal_bytes",
			"Size of the exemption register's write-ahead log.", register))
	}
	if ledgerFile == "" {
		return // PostgreSQL's own monitoring has it
	}
	m.registry.MustRegister(
		logGauge("risposta_ledger_wal_bytes", "Size of the ledger's write-ahead log.", ledgerFile),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "risposta_ledger_disk_free_bytes",
			Help: "What is left for the gateway on the ledger's disk; NaN where it is not known.",
		}, func() float64 {
			var s unix.Statfs_t
			if err := unix.Statfs(filepath.Dir(ledgerFile), &s); err != nil {
				return math.NaN()
			}
			return float64(s.Bavail) * float64(s.Bsize)
		}),
	)
}
