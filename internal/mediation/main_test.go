package mediation_test

import (
	"flag"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"
)

// TestMain prints the seed of the random tests: -rapid.seed repeats a run.
func TestMain(m *testing.M) {
	flag.Parse()
	if seed := flag.Lookup("rapid.seed"); seed.Value.String() == "0" {
		if err := seed.Value.Set(strconv.FormatInt(time.Now().UnixNano(), 10)); err != nil {
			fmt.Println("setting the seed of the random tests:", err)
			os.Exit(1)
		}
	}
	fmt.Println("-rapid.seed", flag.Lookup("rapid.seed").Value)
	os.Exit(m.Run())
}
