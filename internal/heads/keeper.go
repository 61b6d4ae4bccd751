package heads

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// The bounds of the delivery to one place. A head is tried until it is kept or there is a newer one.
const (
	tryTimeout   = 10 * time.Second // of one try
	minRetry     = time.Second
	maxRetry     = time.Minute
	closeTimeout = 5 * time.Second // for what still waits at the end
)

// Observer learns what becomes of the heads. Its methods return at once.
type Observer interface {
	// Waiting tells whether the newest head is still to be kept in a place.
	Waiting(place string, waits bool)
	// NotKept: a try has failed; first, since the last one that succeeded.
	NotKept(place string, err error, first bool)
	// KeptAgain: the newest head is kept, after tries that failed.
	KeptAgain(place string)
	// Differs: the ledger is not the one whose head is in the place. The place gets no more heads:
	// what it has shows what is wrong, at every start, until somebody has put it right.
	Differs(place string, err error)
}

// Agrees compares the ledger with a head that was kept. It returns a [DifferError] where the ledger is
// another; any other error leaves the question open.
type Agrees func(ctx context.Context, note []byte) error

// DifferError says that the ledger is not the one whose head was kept.
type DifferError struct{ Err error }

func (e *DifferError) Error() string { return e.Err.Error() }

// Unwrap returns why.
func (e *DifferError) Unwrap() error { return e.Err }

// Keepers hand each head to every place. Make them with Start, and Close them.
type Keepers struct {
	all    []*keeper
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

// Start begins: each place is compared with the ledger, before it gets a head. first is the newest head
// of the ledger, which a former run may not have been able to hand over; nil for none.
func Start(places []Place, agrees Agrees, obs Observer, first *Line) *Keepers {
	ctx, cancel := context.WithCancel(context.Background())
	k := &Keepers{cancel: cancel}
	for _, p := range places {
		one := &keeper{
			place: p, agrees: agrees, obs: obs, waits: first,
			wake: make(chan struct{}, 1), closing: make(chan struct{}),
		}
		k.all = append(k.all, one)
		k.wg.Go(func() { one.run(ctx) })
	}
	return k
}

// Keep hands over a head, and returns at once.
func (k *Keepers) Keep(line Line) {
	for _, one := range k.all {
		one.keep(line)
	}
}

// Close tries what still waits once more, for closeTimeout at most, and ends. A place that hangs, such
// as a file on a mount that is gone, is left behind.
func (k *Keepers) Close() {
	for _, one := range k.all {
		close(one.closing)
	}
	done := make(chan struct{})
	go func() {
		k.wg.Wait()
		close(done)
	}()
	defer k.cancel()
	select {
	case <-done:
	case <-time.After(closeTimeout):
	}
}

// keeper hands heads to one place.
type keeper struct {
	place   Place
	agrees  Agrees
	obs     Observer
	wake    chan struct{} // a head waits
	closing chan struct{}

	mu    sync.Mutex
	waits *Line // the newest head, until it is kept

	compared, failing bool // of run alone
}

func (k *keeper) keep(line Line) {
	k.mu.Lock()
	k.waits = &line
	k.mu.Unlock()
	select {
	case k.wake <- struct{}{}:
	default: // it is awake already
	}
}

func (k *keeper) waiting() *Line {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.waits
}

// kept lets go of a head, unless a newer one has come meanwhile.
func (k *keeper) kept(line *Line) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.waits == line {
		k.waits = nil
	}
}

func (k *keeper) run(ctx context.Context) {
	name := k.place.String()
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = minRetry, maxRetry
	closing := k.closing
	for {
		err := k.try(ctx)
		var differs *DifferError
		if errors.As(err, &differs) {
			k.obs.Differs(name, err)
			return
		}
		var retry <-chan time.Time
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			k.obs.NotKept(name, err, !k.failing)
			k.failing = true
			retry = time.After(wait.NextBackOff())
		case k.failing:
			k.obs.KeptAgain(name)
			k.failing = false
			wait.Reset()
		}
		waits := k.waiting() != nil
		k.obs.Waiting(name, waits)
		if closing == nil || waits && err == nil { // the last try was made; or a newer head has come
			if closing == nil {
				return
			}
			continue
		}
		select {
		case <-k.wake:
		case <-retry:
		case <-closing:
			closing = nil
			if !waits && k.waiting() == nil {
				return
			}
		}
	}
}

// try compares the place, if that was not done, and hands over the head that waits.
func (k *keeper) try(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, tryTimeout)
	defer cancel()
	line := k.waiting()
	if !k.compared {
		note, err := k.place.Newest(ctx)
		if err != nil && !errors.Is(err, ErrWriteOnly) {
			return err
		}
		if note != nil {
			if err := k.agrees(ctx, note); err != nil {
				return err
			}
		}
		k.compared = true
		if line != nil && line.Head == string(note) {
			k.kept(line)
			return nil
		}
	}
	if line == nil {
		return nil
	}
	text, err := line.Text()
	if err == nil {
		err = k.place.Keep(ctx, text)
	}
	if err == nil {
		k.kept(line)
	}
	return err
}
