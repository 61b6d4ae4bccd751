package gateway

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func TestDiskIsMeasured(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "ledger.db")
	value := func(name, file string) float64 {
		t.Helper()
		m := newMetrics()
		m.watchDisk(file, file+".register")
		families, err := m.registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			if f.GetName() == name {
				return f.GetMetric()[0].GetGauge().GetValue()
			}
		}
		t.Fatalf("there is no %s", name)
		return 0
	}
	if got := value("risposta_ledger_wal_bytes", file); got != 0 {
		t.Errorf("a log that does not exist has %v bytes", got)
	}
	if err := os.WriteFile(file+"-wal", make([]byte, 4321), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := value("risposta_ledger_wal_bytes", file); got != 4321 {
		t.Errorf("the log has %v bytes, want 4321", got)
	}
	if got := value("risposta_exemption_register_wal_bytes", file); got != 0 {
		t.Errorf("the register's log has %v bytes, and does not exist", got)
	}
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		t.Fatal(err)
	}
	all := float64(s.Blocks) * float64(s.Bsize)
	if got := value("risposta_ledger_disk_free_bytes", file); got <= 0 || got > all {
		t.Errorf("%v bytes are free, of %v", got, all)
	}
	if got := value("risposta_ledger_disk_free_bytes", dir+"/none/ledger.db"); !math.IsNaN(got) {
		t.Errorf("of a disk that is not there %v bytes are free, want NaN", got)
	}
}
