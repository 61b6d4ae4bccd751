package numbering_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/risposta/gateway/metering/numbering"
)

func italy() *numbering.Plan {
	return numbering.NewPlan("39", []string{"10??"}, []string{"2001"})
}

// The library alone reads 178 and 199 as personal and 0878 as geographic, and does not know 842 to
// 846, 849, 12xx and 4xx.
func TestItalianPlan(t *testing.T) {
	for kind, numbers := range map[numbering.Kind][]string{
		numbering.Geographic: {"+390612345678", "0612345678", "00390612345678"},
		numbering.Mobile:     {"+393331234567"},
		numbering.Freephone:  {"800123456"},
		numbering.Personal:   {"178123456"},
		numbering.SharedCost: {"199123456", "848123456", "840123456"},
		numbering.Premium: {
			"0878123456", "+390878123456", "144123456", "166123456",
			"842123456", "843123456", "844123456", "845123456", "846123456", "849123456",
			"1254", "1240", "48383", "4321",
			"899123456", "895123456", "892424", "8921234",
		},
		numbering.Internal: {"1007", "2001"},
		numbering.Unknown:  {"119", "900", "*21#", "99999999", "2002"},
	} {
		expect(t, italy(), kind, numbers...)
	}
}

func expect(t *testing.T, p *numbering.Plan, want numbering.Kind, numbers ...string) {
	t.Helper()
	for _, number := range numbers {
		if got := p.Kind(number); got != want {
			t.Errorf("%s: %q, want %q", number, got, want)
		}
	}
}

func TestOtherCountries(t *testing.T) {
	for kind, numbers := range map[numbering.Kind][]string{
		numbering.Geographic: {
			"+493012345678", "+33142345678", "+34912345678", "+442071234567", "+443001234567",
		},
		numbering.Mobile:    {"+4915112345678", "+33612345678", "+34612345678", "+447911123456"},
		numbering.Freephone: {"+498001234567", "+33800123456", "+448001111111"},
		numbering.Premium: {
			"+499001234567", "+4911833", "+33899123456", "+34803123456", "+449061234567",
		},
		numbering.SharedCost: {"+4918012345", "+34902123456", "+448451234567"},
		numbering.Special:    {"+491371234567"},
		numbering.Personal:   {"+447012345678"},
		numbering.Unknown:    {"+999123456789", "+1", "+3"},
	} {
		expect(t, italy(), kind, numbers...)
	}
	expect(t, numbering.NewPlan("49", nil, nil), numbering.Premium, "09001234567")
	expect(t, numbering.NewPlan("", nil, nil), numbering.Unknown, "0612345678")
}

func TestNumberInADialString(t *testing.T) {
	for text, want := range map[string]string{
		"":                      "",
		"agent1":                "",
		"PJSIP/agent1":          "",
		"0612345678":            "0612345678",
		"899123456@trunk":       "899123456",
		"PJSIP/899123456@trunk": "899123456",
		"PJSIP/trunk/sip:+39899123456@carrier:5060": "+39899123456",
		"PJSIP/trunk/sip:op1@127.0.0.1":             "",
		"SIP/trunk/0899 12":                         "089912",
		"Local/308@agents/n":                        "308",
		"tel:+39-06-123;phone-context=x":            "+3906123",
	} {
		if got := numbering.Dialled(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestPublicNumberIsNeverInternal(t *testing.T) {
	if got := italy().Public("1007"); got != numbering.Unknown {
		t.Errorf("an extension as a public number: %q", got)
	}
	if got := italy().Public("agent1"); got != numbering.Unknown {
		t.Errorf("a name as a public number: %q", got)
	}
}

// Every text has a known kind, and 00 means the same as +.
func TestKindOfAnyText(t *testing.T) {
	known := map[numbering.Kind]bool{
		numbering.None: true, numbering.Geographic: true, numbering.Mobile: true,
		numbering.Freephone: true, numbering.VoIP: true, numbering.Internal: true,
		numbering.Premium: true, numbering.SharedCost: true, numbering.Personal: true,
		numbering.Special: true, numbering.Unknown: true,
	}
	dialled := rapid.OneOf(rapid.String(), rapid.StringMatching(`\+?[0-9]{1,15}`),
		rapid.StringMatching(`PJSIP/[0-9]{1,12}@trunk`))
	international := rapid.StringMatching(`[1-9][0-9]{5,13}`)
	rapid.Check(t, func(t *rapid.T) {
		text := dialled.Draw(t, "dialled")
		if k := italy().Kind(text); !known[k] {
			t.Fatalf("%q is %q", text, k)
		}
		number := international.Draw(t, "international")
		if a, b := italy().Kind("+"+number), italy().Kind("00"+number); a != b {
			t.Fatalf("+%s is %q, 00%s is %q", number, a, number, b)
		}
	})
}
