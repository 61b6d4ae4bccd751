package ledgertest

import (
	"testing"

	"github.com/risposta/gateway/metering/ledger"
)

// registerTests hold the contract of ledger.Registers.
var registerTests = map[string]func(*testing.T, Store){
	"What was noted last of the register is known in the next life": func(t *testing.T, s Store) {
		l := s.open(t, ledger.Exclusive)
		if got, err := l.NotedRegister(t.Context()); err != nil || got != nil {
			t.Errorf("at first %q, %v; want nothing", got, err)
		}
		for _, state := range []string{"one", "two"} {
			if err := l.NoteRegister(t.Context(), []byte(state)); err != nil {
				t.Fatal(err)
			}
		}
		got, err := s.open(t, ledger.ReadOnly).NotedRegister(t.Context())
		if err != nil || string(got) != "two" {
			t.Errorf("%q, %v; want two", got, err)
		}
	},
}
