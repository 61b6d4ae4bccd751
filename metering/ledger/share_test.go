package ledger_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/risposta/gateway/metering/ledger"
)

// shared is a cluster in memory, in which each meter acts on what it sees.
type shared struct{ ledger.View }

func (s *shared) act(t *rapid.T, meter string) (moved int) {
	share := s.Share(meter)
	for _, node := range share.Take {
		i := slices.IndexFunc(s.Nodes, func(n ledger.NodeState) bool { return n.Node == node })
		if !s.Nodes[i].Free {
			t.Fatalf("%s takes %s, which is not free", meter, node)
		}
		s.Nodes[i].Free, s.Nodes[i].Meter = false, meter
	}
	for i := range s.Nodes {
		if n := &s.Nodes[i]; n.Node == share.Give {
			if n.Free || n.Meter != meter {
				t.Fatalf("%s gives %s, which it does not have", meter, n.Node)
			}
			n.Free, n.Meter = true, ""
		}
	}
	return len(share.Take) + min(1, len(share.Give))
}

// die makes a meter's nodes free.
func (s *shared) die(meter string) {
	s.Meters = slices.DeleteFunc(s.Meters, func(m string) bool { return m == meter })
	for i := range s.Nodes {
		if s.Nodes[i].Meter == meter {
			s.Nodes[i].Free, s.Nodes[i].Meter = true, ""
		}
	}
}

// settle has the meters act in random order until none moves anything, and checks that nodes are
// spread evenly then. Meanwhile at most one node at a time is on its way from one meter to another.
func (s *shared) settle(t *rapid.T) {
	for round := 0; ; round++ {
		moved := 0
		for _, m := range rapid.Permutation(s.Meters).Draw(t, "order") {
			moved += s.act(t, m)
		}
		if moved == 0 {
			break
		}
		if round > 4*len(s.Nodes)+4 {
			t.Fatalf("the nodes move on and on: %+v", s.View)
		}
	}
	held := map[string]int{}
	for _, n := range s.Nodes {
		if n.Free {
			t.Fatalf("%s is left free: %+v", n.Node, s.View)
		}
		held[n.Meter]++
	}
	for _, m := range s.Meters {
		if each := len(s.Nodes) / len(s.Meters); held[m] != each && held[m] != each+1 {
			t.Fatalf("%s has %d of %d nodes among %d meters", m, held[m], len(s.Nodes), len(s.Meters))
		}
	}
}

// However meters come and go, the nodes end spread evenly, and nobody passes them around for ever.
func TestNodesAreSpreadEvenly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s shared
		for i := range rapid.IntRange(1, 20).Draw(t, "nodes") {
			s.Nodes = append(s.Nodes, ledger.NodeState{
				Lease: ledger.Lease{Node: fmt.Sprintf("n%02d", i)}, Free: true,
			})
		}
		meters := rapid.IntRange(1, 6).Draw(t, "meters")
		for i := range meters {
			s.Meters = append(s.Meters, fmt.Sprint("m", i))
			if rapid.Bool().Draw(t, "settles before the next comes") {
				s.settle(t)
			}
		}
		s.settle(t)
		for range rapid.IntRange(0, meters-1).Draw(t, "deaths") {
			s.die(rapid.SampledFrom(s.Meters).Draw(t, "dies"))
			s.settle(t)
		}
	})
}

// Two meters never give at the same view, and none gives while a node is on its way.
func TestOneNodeMovesAtATime(t *testing.T) {
	node := func(name, meter string) ledger.NodeState {
		return ledger.NodeState{Lease: ledger.Lease{Node: name, Meter: meter}, Free: meter == ""}
	}
	v := ledger.View{Meters: []string{"a", "b", "c"}, Nodes: []ledger.NodeState{
		node("1", "a"), node("2", "a"), node("3", "a"), node("4", "b"), node("5", "b"), node("6", "b"),
	}}
	a, b, c := v.Share("a"), v.Share("b"), v.Share("c")
	if a.Give != "3" || b.Give != "" || c.Give != "" {
		t.Errorf("a gives %q, b %q, c %q; want 3 of a alone", a.Give, b.Give, c.Give)
	}
	v.Nodes[2] = node("3", "")
	for _, m := range v.Meters {
		if s := v.Share(m); s.Give != "" || (len(s.Take) > 0) != (m == "c") {
			t.Errorf("while 3 is free %s gives %q and takes %q", m, s.Give, s.Take)
		}
	}
	v.Nodes[2] = node("3", "dead")
	for _, m := range v.Meters {
		if s := v.Share(m); s.Give != "" || s.Take != nil {
			t.Errorf("while the lease of 3 runs out %s gives %q and takes %q", m, s.Give, s.Take)
		}
	}
}
