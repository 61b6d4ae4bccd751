package ari_test

import (
	"testing"

	"github.com/risposta/gateway/ari"
)

func TestQueueRefusesFramesWhenFullButNoGap(t *testing.T) {
	q := ari.NewQueue(4)
	for i := range 4 {
		if !q.Put(ari.Frame{Raw: []byte{byte(i)}}) {
			t.Fatalf("frame %d was refused", i)
		}
	}
	if q.Put(ari.Frame{Raw: []byte{9}}) {
		t.Error("a fifth frame was taken")
	}
	if !q.Put(ari.Frame{Event: &ari.Event{Kind: ari.Gap}}) {
		t.Error("Gap was refused")
	}
	if q.HasRoom() {
		t.Error("a full queue reports that it has room")
	}
	<-q.Ready()
	got := q.Take(3)
	if len(got) != 3 || got[0].Raw[0] != 0 || got[2].Raw[0] != 2 {
		t.Errorf("took %v, want the first three in order", got)
	}
	<-q.Ready() // there is more
	if rest := q.Take(10); len(rest) != 2 || rest[0].Raw[0] != 3 || rest[1].Event == nil || q.Len() != 0 {
		t.Errorf("took %v, want the fourth frame and Gap", rest)
	}
}

// Frames that are kept wake the reader at the hand-over, or when they are worth a batch.
func TestQueueWakesTheReaderOnceForManyFrames(t *testing.T) {
	q := ari.NewQueue(0)
	woken := func() bool {
		select {
		case <-q.Ready():
			return true
		default:
			return false
		}
	}
	q.HandOver()
	if woken() {
		t.Error("the reader is woken for nothing")
	}
	for range 3 {
		q.Keep(ari.Frame{Raw: []byte("f")})
	}
	if woken() {
		t.Error("the reader is woken before the hand-over")
	}
	q.HandOver()
	if !woken() || woken() || len(q.Take(10)) != 3 {
		t.Error("the hand-over does not wake the reader once, for all")
	}
	for range ari.QueueBatch {
		q.Keep(ari.Frame{Raw: []byte("f")})
	}
	select {
	case <-q.Many():
	default:
		t.Error("a whole batch does not wake the reader")
	}
}
