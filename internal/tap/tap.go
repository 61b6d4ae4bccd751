package tap

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/cluster"
	"github.com/risposta/gateway/ari/native"
)

// Config is what a tap needs.
type Config struct {
	PBX          native.Config // the tap sets what it must be, beside address and user
	Server       cluster.Server
	Stream       cluster.Stream
	Folder       string // of the journal
	JournalBytes int64
	QueueFrames  int          // that wait for the journal at most; 0: those of [ari.NewQueue]
	Admin        net.Listener // the tap closes it
	// Guard lets those through who may see health and metrics; refused is told of all others.
	Guard func(next http.Handler, refused func(why string, what zap.Field)) http.Handler
}

// readEvery is how often frames are written and sent, where they keep coming; 10 ms while a caller is
// at the front desk.
const readEvery = 100 * time.Millisecond

// Tap is one tap. Make it with New, then Run it once.
type Tap struct {
	conf      Config
	log       *zap.Logger
	metrics   *metrics
	stream    cluster.Stream
	journal   *journal
	resume    resumeFile
	queue     *ari.Queue
	source    *native.Source
	conn      *nats.Conn
	publisher publisher
	inStream  inStream
	// beatWithin is how often the service manager expects a beat; 0: it expects none.
	beatWithin time.Duration

	node        atomic.Value // string: the PBX's asterisk_id, once it is known
	answering   sync.Once
	passed      atomic.Pointer[cluster.Place] // by a meter
	synced      atomic.Bool                   // every event of the PBX comes
	writes      atomic.Bool                   // the journal takes them
	publishes   atomic.Bool                   // and so does the stream
	notFiltered sync.Once
}

// New opens the journal, and begins to connect to NATS. The PBX is not contacted yet. Run closes what
// it opened, or New itself where it fails.
func New(conf Config, log *zap.Logger) (*Tap, error) {
	t := &Tap{
		conf: conf, log: log, metrics: newMetrics(), stream: conf.Stream, queue: ari.NewQueue(conf.QueueFrames),
		resume: resumeIn(conf.Folder),
	}
	t.writes.Store(true)
	if err := t.open(); err != nil {
		return nil, errors.Join(err, t.close())
	}
	pbx := conf.PBX
	pbx.KeepRaw, pbx.ReadEvery = true, readEvery
	pbx.Desk = func(ari.Event) {} // there is one, behind the stream: the source must not let it wait
	pbx.Resume = func(context.Context, string) (ari.Position, error) {
		_, last := t.journal.end()
		return t.resume.take(last)
	}
	t.source = native.New(pbx, t.queue, t, t.accept)
	return t, nil
}

func (t *Tap) open() (err error) {
	conf := t.conf
	if t.beatWithin, err = daemon.SdWatchdogEnabled(false); err != nil {
		return fmt.Errorf("reading the service manager's watchdog time: %w", err)
	}
	if t.journal, err = openJournal(conf.Folder, conf.JournalBytes); err != nil {
		return err
	}
	t.conn, err = cluster.Connect(conf.Server, "risposta tap", cluster.Events{
		Lost: func(err error) {
			t.metrics.connected.Set(0)
			t.log.Warn(evDisconnected, zap.Error(err))
		},
		Back: func() {
			t.metrics.connected.Set(1)
			t.log.Info(evConnected)
		},
		Refused: func(err error) { t.log.Error(evRefused, zap.Error(err)) },
	})
	if err != nil {
		return err
	}
	js, err := jetstream.New(t.conn, jetstream.WithPublishAsyncMaxPending(maxPending),
		jetstream.WithPublishAsyncTimeout(ackTimeout))
	if err != nil {
		return fmt.Errorf("connecting to JetStream: %w", err)
	}
	t.publisher.tap, t.publisher.js, t.publisher.beat = t, js, make(beat)
	return nil
}

// accept refuses a PBX other than the one whose frames the journal has, and answers its meters.
func (t *Tap) accept(info ari.Info) error {
	if have, _ := t.journal.end(); have != "" && have != info.Node {
		return fmt.Errorf("the journal in %s has frames of node %s, and the PBX is node %s: give each "+
			"PBX a tap.folder of its own", t.conf.Folder, have, info.Node)
	}
	t.node.Store(info.Node)
	var err error
	t.answering.Do(func() { err = t.answer(info.Node) })
	return err
}

func (t *Tap) close() error {
	var errs []error
	if err := t.conf.Admin.Close(); !errors.Is(err, net.ErrClosed) {
		errs = append(errs, err)
	}
	if t.conn != nil {
		t.conn.Close()
	}
	if t.journal != nil {
		errs = append(errs, t.journal.close())
	}
	return errors.Join(errs...)
}

// Run reads the PBX until ctx ends, writes and sends what was read, and returns nil. An error means
// that no retry can help, or that what was read could not be written before the end.
func (t *Tap) Run(ctx context.Context) error {
	t.log.Info(evStarted, zap.String("admin", t.conf.Admin.Addr().String()))
	_, last := t.journal.end()
	i := &intake{tap: t, after: last, next: cluster.Place{
		Run: max(last.Run+1, uint64(time.Now().UnixMilli())), Sequence: 1,
	}, beat: make(beat)}
	sending, stopSending := context.WithCancel(context.WithoutCancel(ctx))
	rctx, end := context.WithCancel(ctx)
	defer end()
	var workers, sender sync.WaitGroup
	sender.Go(func() { t.publisher.run(sending) })
	workers.Go(func() { i.run(rctx) })
	workers.Go(func() { t.watch(rctx) })
	admin := make(chan error, 1)
	go func() {
		err := t.serveAdmin(rctx)
		end() // a tap whose health cannot be seen is started anew
		admin <- err
	}()
	workers.Go(func() { t.watchdog(rctx, i.beat, t.publisher.beat) })
	t.notify(daemon.SdNotifyReady)
	err := t.source.Run(rctx)
	end()
	t.notify(daemon.SdNotifyStopping)
	err = errors.Join(err, <-admin)
	workers.Wait()
	err = errors.Join(err, t.drain(i))
	stopSending()
	sender.Wait()
	err = errors.Join(err, t.close())
	if err != nil {
		t.log.Error(evStopped, zap.Error(err))
	} else {
		t.log.Info(evStopped)
	}
	_ = t.log.Sync() // a pipe or a terminal has nothing to sync
	return err
}

// drain writes what was read before the end, and lets it be sent. What is not sent is in the journal.
func (t *Tap) drain(i *intake) error {
	ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	i.empty(ctx)
	if n := len(i.pending) + t.queue.Len(); n > 0 {
		return fmt.Errorf("writing the last frames to the journal: %d are lost, and a gap", n)
	}
	_, last := t.journal.end()
	tick := time.NewTicker(drainCheck)
	defer tick.Stop()
	for t.conn.IsConnected() && t.publisher.sentUpTo().Before(last) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
	return nil
}

// drainCheck is the time between two looks at what was sent.
const drainCheck = 10 * time.Millisecond
