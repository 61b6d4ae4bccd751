package gateway

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/metering"
)

// calls are copies of a recorded call, each under ids of its own.
func calls(b testing.TB, n int) (frames [][][]byte, ids []string) {
	b.Helper()
	text, err := os.ReadFile("../../integration/testdata/traces/early-media/ari.jsonl")
	if err != nil {
		b.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	for i := range n {
		var call [][]byte
		for _, line := range lines {
			id := fmt.Appendf(nil, `"pbx1-%d-`, i)
			call = append(call, bytes.ReplaceAll(line, []byte(`"pbx1-`), id))
		}
		frames = append(frames, call)
		first := bytes.SplitN(call[0], []byte(`"id":"`), 2)[1]
		ids = append(ids, string(first[:bytes.IndexByte(first, '"')]))
	}
	return frames, ids
}

// rename gives the same calls other ids.
func rename(calls [][][]byte) {
	for _, frames := range calls {
		for k := range frames {
			frames[k] = bytes.ReplaceAll(frames[k], []byte(`"pbx1-`), []byte(`"pbx1-x`))
		}
	}
}

// Everything behind the socket, on a disk, as fast as it goes: events committed a second, and the
// number of fsyncs.
func BenchmarkDurable(b *testing.B) {
	s := sourceless(b, filepath.Join(b.TempDir(), "ledger.db"), zap.NewNop())
	const copies = 200
	frames, _ := calls(b, copies)
	ctx, sent := context.Background(), 0
	b.ResetTimer()
	for round := 0; sent < b.N; round++ {
		if round%copies == 0 && round > 0 {
			b.StopTimer()
			rename(frames)
			b.StartTimer()
		}
		for _, f := range frames[round%copies] {
			s.queue.Put(ari.Frame{Raw: f})
			sent++
		}
		if s.queue.Len() >= ari.QueueBatch {
			if err := s.process(ctx); err != nil {
				b.Fatal(err)
			}
		}
	}
	if err := s.drain(); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(sent)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(s.batches)/float64(sent), "fsyncs/event")
}

// started is a log that notes when each call's talk.started was logged, which is after its commit.
type started struct {
	zapcore.LevelEnabler
	mu sync.Mutex
	at map[string]time.Time
}

func (c *started) With([]zapcore.Field) zapcore.Core { return c }
func (c *started) Sync() error                       { return nil }
func (c *started) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if e.Message == metering.TalkStarted.String() {
		return ce.AddCore(e, c)
	}
	return ce
}

func (c *started) Write(_ zapcore.Entry, fields []zapcore.Field) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at[fields[0].String] = time.Now()
	return nil
}

// A hundred calls a second for five seconds: from the frame that completes the path to the
// committed talk.started.
func BenchmarkTalkStartedCommitted(b *testing.B) {
	const rate, total, spread = 100, 500, 250 * time.Millisecond
	var all []time.Duration
	batches, events := uint64(0), 0
	for b.Loop() {
		core := &started{LevelEnabler: zapcore.InfoLevel, at: map[string]time.Time{}}
		s := sourceless(b, filepath.Join(b.TempDir(), "ledger.db"), zap.New(core))
		frames, ids := calls(b, total)
		put := make([]time.Time, total)
		ctx, cancel := context.WithCancel(context.Background())
		var feeders, pump sync.WaitGroup
		pump.Go(func() {
			for {
				select {
				case <-s.queue.Ready():
					if err := s.process(ctx); err != nil {
						b.Error(err)
						return
					}
				case <-ctx.Done():
					return
				}
			}
		})
		begin := time.Now()
		for i := range total {
			arrival := begin.Add(time.Duration(i) * time.Second / rate)
			time.Sleep(time.Until(arrival)) // the rhythm of the load
			events += len(frames[i])
			feeders.Go(func() {
				for k, f := range frames[i] {
					offset := time.Duration(k) * spread / time.Duration(len(frames[i]))
					time.Sleep(time.Until(arrival.Add(offset)))
					if bytes.Contains(f, []byte(`"ChannelEnteredBridge"`)) {
						put[i] = time.Now() // the second of the two completes the path
					}
					s.queue.Put(ari.Frame{Raw: f})
				}
			})
		}
		feeders.Wait()
		for s.queue.Len() > 0 {
			time.Sleep(time.Millisecond)
		}
		cancel()
		pump.Wait()
		for i, id := range ids {
			at, ok := core.at[id]
			if !ok {
				b.Fatalf("call %s has not started to talk", id)
			}
			all = append(all, at.Sub(put[i]))
		}
		batches += s.batches
	}
	slices.Sort(all)
	ms := func(p float64) float64 {
		return float64(all[int(p*float64(len(all)-1))].Microseconds()) / 1000
	}
	b.ReportMetric(ms(0.5), "p50-ms")
	b.ReportMetric(ms(0.99), "p99-ms")
	b.ReportMetric(float64(batches)/float64(events), "fsyncs/event")
}
