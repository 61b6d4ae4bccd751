package records_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/risposta/gateway/internal/records"
	"github.com/risposta/gateway/metering"
)

// usageKeys are those of Usage in TMF635 v4.
var usageKeys = map[string]bool{
	"id": true, "href": true, "description": true, "usageDate": true, "usageType": true,
	"ratedProductUsage": true, "relatedParty": true, "status": true, "usageCharacteristic": true,
	"usageSpecification": true, "@baseType": true, "@schemaLocation": true, "@type": true,
}

func TestTMF635IsUsage(t *testing.T) {
	pending, first, later, free := fullRecord(), fullRecord(), fullRecord(), fullRecord()
	first.State, first.Version, later.State, later.Version = "", 1, "", 2
	free.State, free.Net, free.Tax, free.TaxPercent, free.Caller = "", metering.Record{}.Net, free.Net, "", ""
	var out bytes.Buffer
	written(t, records.NewTMF635(&out), pending, first, later, free)
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	for i, want := range []string{
		`"status":"guided","usageCharacteristic"`,
		`"status":"rated","ratedProductUsage":[{"ratingDate":"2026-11-23T09:46:14.945Z",` +
			`"ratingAmountType":"Total","usageRatingTag":"usage","isBilled":false,` +
			`"taxExcludedRatingAmount":{"unit":"EUR","value":0.11},` +
			`"taxIncludedRatingAmount":{"unit":"EUR","value":0.14},"taxRate":22}]`,
		`"status":"rerated"`,
		`"isBilled":false,"taxIncludedRatingAmount":{"unit":"EUR","value":0.14}}]`,
	} {
		if !strings.Contains(lines[i], want) {
			t.Errorf("%d: got\n%s\nwant in it\n%s", i, lines[i], want)
		}
		var usage map[string]any
		if err := json.Unmarshal([]byte(lines[i]), &usage); err != nil {
			t.Fatal(err)
		}
		for key := range usage {
			if !usageKeys[key] {
				t.Errorf("%s is no key of a Usage", key)
			}
		}
	}
	if strings.Contains(lines[3], "relatedParty") || !strings.Contains(lines[1], `"id":"c-1"`) {
		t.Error("the caller is the party, and a withheld one none")
	}
}
