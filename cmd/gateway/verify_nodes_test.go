package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/risposta/gateway/internal/audit"
	"github.com/risposta/gateway/metering/ledger/merkle"
)

// Each head that was kept elsewhere is compared with the log of the node that it names; one of a node
// that has no log is a problem, too.
func TestVerifyComparesHeadsWithTheLogOfTheirNode(t *testing.T) {
	key := filepath.Join(t.TempDir(), "key")
	signer, err := audit.Signer(key, false)
	if err != nil {
		t.Fatal(err)
	}
	o := audit.Options{}
	if o.Keys, err = audit.Verifiers(key); err != nil {
		t.Fatal(err)
	}
	var log merkle.Memory // longer than that of any node
	for range 7 {
		if _, err := log.Add(merkle.NewLeaf(merkle.Register, "", nil)); err != nil {
			t.Fatal(err)
		}
	}
	for _, node := range []string{"pbx2", "pbx9"} {
		h, err := merkle.Sign(node, log.Len(), &log, signer)
		if err != nil {
			t.Fatal(err)
		}
		o.Heads = append(o.Heads, h.Note)
	}
	reports, err := verifyEach(t.Context(), deliveredLedger(t), o)
	if err != nil || len(reports) != 3 {
		t.Fatalf("%d reports, %v", len(reports), err)
	}
	for i, want := range []string{
		"the head that was signed at 7 leaves is of node pbx9, and this is the log of no node", "",
		"the log has 1 leaves, and a head was signed at 7",
	} {
		about := ""
		for _, p := range reports[i].Problems {
			if strings.Contains(p.What, " 7") {
				about += p.What
			}
		}
		if !strings.HasPrefix(about, want) || want == "" && about != "" ||
			reports[i].Node != []string{"", "pbx1", "pbx2"}[i] {
			t.Errorf("node %q: %s; want %s", reports[i].Node, fmt.Sprint(reports[i].Problems), want)
		}
	}
}
