package registry_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/exemption/registry"
)

// BenchmarkLookup is the register's throughput with a million entitlements: one goroutine, half of
// the callers known. Each number is read from the national form first.
func BenchmarkLookup(b *testing.B) {
	const people = 1_000_000
	r := open(b, newFile(b), presentKey)
	grants := make([]registry.Grant, people)
	numbers := make([]string, 2*people)
	for i := range numbers {
		numbers[i] = fmt.Sprintf("333%07d", i)
		if i < people {
			grants[i] = registry.Grant{
				Number:      number(numbers[i]),
				Entitlement: registry.Entitlement{From: day("2026-01-01"), Category: "pensioner"},
			}
		}
	}
	start := time.Now()
	add(b, r, "2026-06-01", grants...) // backdated, which costs most
	b.Logf("a million entitlements were imported in %s", time.Since(start).Round(time.Second))
	at := day("2026-06-01")
	b.ReportAllocs()
	i, yes := 0, 0
	for b.Loop() {
		i = (i + 999_983) % len(numbers) // a prime, so that the lookups are all over the file
		got, err := r.Exempt(ctx, number(numbers[i]), at)
		if err != nil {
			b.Fatal(err)
		}
		if got.Verdict == metering.ExemptYes {
			yes++
		}
		if (got.Verdict == metering.ExemptYes) != (i < people) {
			b.Fatalf("caller %d: %s", i, got.Verdict)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lookups/s")
	b.ReportMetric(float64(yes)/float64(b.N)*100, "%exempt")
}
