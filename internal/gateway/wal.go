package gateway

import (
	"context"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/risposta/gateway/internal/sqlitefile"
)

const (
	// maxLogBytes is far more than a write-ahead log has while it is written over: 8 MB and the
	// largest commit. Beyond it a reader of another program holds the log; our own commands hold none.
	maxLogBytes = 256 << 20
	// watchLogsEvery is short beside the time in which a busy gateway writes that much.
	watchLogsEvery = 10 * time.Second
)

// logWatch reports a write-ahead log that is not written over any more.
type logWatch struct {
	file  string // the database
	bound int64
	log   *zap.Logger
	long  bool
}

// look cuts a log that is over the bound, where its reader has ended, and reports a change: from the
// bound on, and once the log is short again.
func (w *logWatch) look(ctx context.Context) {
	bytes, err := sqlitefile.LogBytes(w.file)
	if err == nil && bytes > w.bound {
		if _, err = sqlitefile.CutLog(ctx, w.file); err == nil {
			bytes, err = sqlitefile.LogBytes(w.file)
		}
	}
	switch {
	case ctx.Err() != nil:
	case bytes > w.bound && !w.long:
		w.long = true
		w.log.Error(evWALLong, zap.String("file", w.file), zap.Int64("bytes", bytes),
			zap.Int64("bound", w.bound), zap.Error(err))
	case err == nil && bytes < w.bound/2 && w.long:
		w.long = false
		w.log.Info(evWALCut, zap.String("file", w.file), zap.Int64("bytes", bytes))
	}
}

// databases are the files whose write-ahead logs are watched.
func (d *Gateway) databases() []string {
	files := []string{d.conf.Ledger.File, d.conf.Exemption.Registry}
	return slices.DeleteFunc(files, func(file string) bool { return file == "" })
}

// watchLogs looks at the write-ahead logs until ctx ends.
func (d *Gateway) watchLogs(ctx context.Context) {
	var watches []*logWatch
	for _, file := range d.databases() {
		watches = append(watches, &logWatch{file: file, bound: maxLogBytes, log: d.log})
	}
	ticker := time.NewTicker(watchLogsEvery)
	defer ticker.Stop()
	for {
		for _, w := range watches {
			w.look(ctx)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// logGauge is the size of a file's write-ahead log.
func logGauge(name, help, file string) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 {
		bytes, err := sqlitefile.LogBytes(file)
		if err != nil {
			return 0
		}
		return float64(bytes)
	})
}
