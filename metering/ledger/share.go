package ledger

// Share is what a meter does next so that the nodes come to be spread evenly.
type Share struct {
	Take []string // free nodes to take, in this order
	Give string   // a node of its own to release; "" for none
}

// Share tells a meter what to do. A meter takes free nodes until it has as many as every meter can
// have; those that are left over go to the meters that have the fewest. A node moves from one meter
// to another only while no node is free, from the meter that has the most to one that has at least
// two fewer, one node at a time.
func (v View) Share(meter string) (s Share) {
	held := map[string]int{}
	for _, m := range v.Meters {
		held[m] = 0
	}
	if _, alive := held[meter]; !alive {
		return s
	}
	var free, own []string
	settled := 0 // nodes that living meters have
	for _, n := range v.Nodes {
		_, alive := held[n.Meter]
		switch {
		case n.Free:
			free = append(free, n.Node)
		case alive:
			held[n.Meter]++
			settled++
		}
		if !n.Free && n.Meter == meter {
			own = append(own, n.Node)
		}
	}
	fewest, most, first := len(v.Nodes), 0, ""
	for _, m := range v.Meters {
		fewest = min(fewest, held[m])
		if held[m] > most {
			most, first = held[m], m
		}
	}
	switch each := len(v.Nodes) / len(v.Meters); {
	case len(free) > 0:
		s.Take = v.take(meter, free, each-len(own), len(own) == fewest)
	case settled == len(v.Nodes) && first == meter && most >= fewest+2:
		s.Give = own[len(own)-1]
	}
	return s
}

// take chooses up to so many free nodes, or one where the meter has the fewest. Each meter begins
// with another one, so that two seldom try the same.
func (v View) take(meter string, free []string, missing int, fewest bool) (nodes []string) {
	if missing <= 0 && fewest {
		missing = 1
	}
	start := 0
	for i, m := range v.Meters {
		if m == meter {
			start = i * len(free) / len(v.Meters)
		}
	}
	for i := 0; i < min(missing, len(free)); i++ {
		nodes = append(nodes, free[(start+i)%len(free)])
	}
	return nodes
}
