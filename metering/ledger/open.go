package ledger

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Mode says what an opened ledger may be used for.
type Mode uint8

// The modes.
const (
	// ReadOnly reads an existing ledger, beside a running gateway or without one.
	ReadOnly Mode = iota
	// ReadWrite changes an existing ledger beside a running gateway, by short transactions.
	ReadWrite
	// Exclusive is the gateway's own: it makes the ledger where there is none, brings its schema up to
	// date, and fails with ErrLocked while another gateway has it.
	Exclusive
)

// Opener opens a store; place is the URL without its scheme.
type Opener func(ctx context.Context, place string, mode Mode) (Store, error)

// defaultScheme is that of a URL without one: a path.
const defaultScheme = "sqlite"

var openers = map[string]Opener{}

// Register makes a store known under a scheme. Stores call it as they are linked in.
func Register(scheme string, open Opener) {
	if openers[scheme] != nil {
		panic("ledger: two stores are registered as " + scheme)
	}
	openers[scheme] = open
}

// Open opens a ledger: a path, or scheme:place of a store that is linked in, such as
// sqlite:/var/lib/risposta/ledger.db.
func Open(ctx context.Context, url string, mode Mode) (Store, error) {
	scheme, place, ok := strings.Cut(url, ":")
	if !ok || strings.ContainsAny(scheme, `/\.`) {
		scheme, place = defaultScheme, url
	}
	open := openers[scheme]
	if open == nil {
		known := make([]string, 0, len(openers))
		for name := range openers {
			known = append(known, name)
		}
		slices.Sort(known)
		return nil, fmt.Errorf("opening the ledger %s: no store is called %q; known: %s",
			url, scheme, strings.Join(known, ", "))
	}
	return open(ctx, place, mode)
}
