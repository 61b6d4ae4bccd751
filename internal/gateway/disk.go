package gateway

import (
	"os"
	"path/filepath"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sys/unix"
)

// watchDisk adds what is left of the ledger's disk to the metrics, and how long its write-ahead log
// is: a reader that does not end keeps it from being written over.
func (m *metrics) watchDisk(ledgerFile string) {
	m.registry.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "risposta_ledger_wal_bytes", Help: "Size of the ledger's write-ahead log.",
		}, func() float64 {
			info, err := os.Stat(ledgerFile + "-wal")
			if err != nil {
				return 0 // there is none
			}
			return float64(info.Size())
		}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "risposta_ledger_disk_free_bytes",
			Help: "What is left for the gateway on the ledger's disk; -1 where it is not known.",
		}, func() float64 {
			var s unix.Statfs_t
			if err := unix.Statfs(filepath.Dir(ledgerFile), &s); err != nil {
				return -1
			}
			return float64(s.Bavail) * float64(s.Bsize)
		}),
	)
}
