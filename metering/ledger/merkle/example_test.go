package merkle_test

import (
	"crypto/rand"
	"fmt"

	"golang.org/x/mod/sumdb/note"

	"github.com/risposta/gateway/metering/ledger/merkle"
)

// A log of three records is signed. The proof that the second one is in it is checked with the
// public key alone; a proof in which the record's hash was changed is refused.
func Example() {
	private, public, err := note.GenerateKey(rand.Reader, "example")
	if err != nil {
		panic(err)
	}
	signer, err := note.NewSigner(private)
	if err != nil {
		panic(err)
	}

	// Append: each record is a leaf.
	var log merkle.Memory
	leaves := make([]merkle.Leaf, 3)
	for i := range leaves {
		json := fmt.Appendf(nil, `{"record":"r-%d","charge":{"amount":"0.14"}}`, i)
		leaves[i] = merkle.NewRecordLeaf(fmt.Sprintf("r-%d", i), json, []byte("its erased form"))
		if _, err := log.Add(leaves[i]); err != nil {
			panic(err)
		}
	}

	// Sign: the head covers all leaves so far.
	head, err := merkle.Sign("", log.Len(), &log, signer)
	if err != nil {
		panic(err)
	}

	// Prove, and check.
	proof, err := merkle.InclusionProof(1, leaves[1], head, &log)
	if err != nil {
		panic(err)
	}
	verifier, err := note.NewVerifier(public)
	if err != nil {
		panic(err)
	}
	keys := note.VerifierList(verifier)
	leaf, under, err := merkle.CheckProof(proof, keys)
	fmt.Println(leaf.Record, "is under a head of", under.N, "leaves:", err == nil)

	dearer := []byte(`{"record":"r-1","charge":{"amount":"9.99"}}`)
	forged := merkle.NewRecordLeaf("r-1", dearer, []byte("its erased form"))
	proof, err = merkle.InclusionProof(1, forged, head, &log)
	if err != nil {
		panic(err)
	}
	_, _, err = merkle.CheckProof(proof, keys)
	fmt.Println("a changed record passes:", err == nil)

	// Output:
	// r-1 is under a head of 3 leaves: true
	// a changed record passes: false
}
