package ledgertest

import (
	"errors"
	"testing"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger"
)

// openTests hold the contract of ledger.OpenCalls and of the modes.
var openTests = map[string]func(*testing.T, Store){
	"Open calls come in the order of arrival, of one node or of all": func(t *testing.T, s Store) {
		l := s.open(t, ledger.Exclusive)
		other := opened("b")[0]
		other.Node, other.EncryptedCaller = "other", []byte("x")
		commit(t, l, ledger.Batch{Opened: []ledger.OpenCall{opened("c")[0], other, opened("a")[0]}})
		for node, want := range map[string]string{
			"pbx": "ca", "other": "b", ledger.AnyNode: "cba", "none": "",
		} {
			calls, err := l.OpenCalls(t.Context(), node)
			got := ""
			for _, c := range calls {
				got += string(c.Call)
				if (c.EncryptedCaller != nil) != (c.Call == "b") || !c.ArrivedAt.Equal(noon) {
					t.Errorf("call %+v came back changed", c)
				}
			}
			if err != nil || got != want {
				t.Errorf("node %q: %q, %v; want %q", node, got, err, want)
			}
		}
	},
	"The caller of an open call is kept when it comes later": func(t *testing.T, s Store) {
		l := s.open(t, ledger.Exclusive)
		commit(t, l, ledger.Batch{Opened: opened("a")})
		commit(t, l, ledger.Batch{
			Identified: []ledger.OpenCall{{Call: "a", EncryptedCaller: []byte("x")}},
		})
		calls, err := l.OpenCalls(t.Context(), ledger.AnyNode)
		if err != nil || len(calls) != 1 || string(calls[0].EncryptedCaller) != "x" {
			t.Errorf("open are %v, %v; want one, with its caller", calls, err)
		}
	},
	"The watermark never steps back": func(t *testing.T, s Store) {
		l := s.reopened(t, ledger.Batch{Node: "pbx", Watermark: noon},
			ledger.Batch{Node: "pbx", Watermark: noon.Add(-time.Second)})
		if at, err := l.Watermark(t.Context(), "pbx"); err != nil || !at.Equal(noon) {
			t.Errorf("the watermark is %s, %v; want %s", at, err, noon)
		}
		if at, err := l.Watermark(t.Context(), "other"); err != nil || !at.IsZero() {
			t.Errorf("another node's is %s, %v; want none", at, err)
		}
	},
	"Any later commit of the node removes the checkpoint": func(t *testing.T, s Store) {
		l := s.reopened(t, ledger.Batch{Node: "pbx", Watermark: noon, Checkpoint: []byte("x")},
			ledger.Batch{Node: "other", Watermark: noon})
		if c, err := l.Checkpoint(t.Context(), "pbx"); err != nil || string(c) != "x" {
			t.Errorf("the checkpoint is %q, %v; want x", c, err)
		}
		commit(t, l, ledger.Batch{Node: "pbx", Watermark: noon})
		if c, err := l.Checkpoint(t.Context(), "pbx"); err != nil || c != nil {
			t.Errorf("the checkpoint is %q, %v; want none", c, err)
		}
	},
	"A checkpoint is kept without a watermark, and by a repeated batch": func(t *testing.T, s Store) {
		b := ledger.Batch{ID: "run-1", Node: "pbx", Checkpoint: []byte("x")}
		l := s.reopened(t, b, b)
		if c, err := l.Checkpoint(t.Context(), "pbx"); err != nil || string(c) != "x" {
			t.Errorf("the checkpoint is %q, %v; want x", c, err)
		}
		if at, err := l.Watermark(t.Context(), "pbx"); err != nil || !at.IsZero() {
			t.Errorf("the watermark is %s, %v; want none", at, err)
		}
		commit(t, l, ledger.Batch{Node: "pbx", Watermark: noon})
		if at, err := l.Watermark(t.Context(), "pbx"); err != nil || !at.Equal(noon) {
			t.Errorf("the watermark is %s, %v; want %s", at, err, noon)
		}
	},
	"One gateway at a time: ErrLocked": func(t *testing.T, s Store) {
		s.open(t, ledger.Exclusive)
		if l, err := s.Open(ledger.Exclusive); !errors.Is(err, ledger.ErrLocked) {
			t.Errorf("a second gateway: %v, %v; want ErrLocked", l, err)
		}
	},
	"Only a gateway makes a ledger": func(t *testing.T, s Store) {
		for _, mode := range []ledger.Mode{ledger.ReadOnly, ledger.ReadWrite} {
			if _, err := s.Open(mode); err == nil {
				t.Errorf("mode %d opened a ledger that does not exist", mode)
			}
		}
	},
	"Readers and short changes go beside a gateway": func(t *testing.T, s Store) {
		l := s.open(t, ledger.Exclusive)
		commit(t, l, ended("a")...)
		reader, writer := s.open(t, ledger.ReadOnly), s.open(t, ledger.ReadWrite)
		commit(t, l, ledger.Batch{Opened: opened("b"), Evidence: frames("b", "1")})
		wantEvidence(t, reader, "b", "1")
		if err := writer.OpenDispute(t.Context(), "a", noon, ""); err != nil {
			t.Error(err)
		}
	},
	"A ledger opened for reading refuses every change": func(t *testing.T, s Store) {
		commit(t, s.open(t, ledger.Exclusive), ended("a")...)
		l := s.open(t, ledger.ReadOnly)
		signer, _ := keys(t)
		_, _, signing := l.SignLog(t.Context(), noon, signer)
		for name, err := range map[string]error{
			"Commit": l.Commit(t.Context(), &ledger.Batch{Node: "pbx", Watermark: noon}),
			"Supersede": l.Supersede(t.Context(), &ledger.Supersession{
				Call: "a", After: 1, Records: []metering.Record{record("a", 2)},
			}),
			"OpenDispute":  l.OpenDispute(t.Context(), "a", noon, ""),
			"CloseDispute": l.CloseDispute(t.Context(), "a", noon),
			"SignLog":      signing,
		} {
			if err == nil || errors.Is(err, ledger.ErrNotFound) {
				t.Errorf("%s: %v, want a refusal", name, err)
			}
		}
	},
}
