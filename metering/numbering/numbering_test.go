package numbering_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/risposta/gateway/metering/numbering"
)

func italy() *numbering.Plan {
	return numbering.NewPlan("39", []string{"10??"}, []string{"2001"})
}

// What the library alone gets wrong: 178 and 199 read as personal, 0878 looks geographic, 842-846, 849, 12xx, 4xx are unknown to it.
func TestTheTrapsOfTheItalianPlan(t *testing.T) {
	for number, want := range map[string]numbering.Kind{
		"+390612345678": numbering.Geographic, "0612345678": numbering.Geographic, "00390612345678": numbering.Geographic,
		"+393331234567": numbering.Mobile, "800123456": numbering.Freephone,
		"178123456": numbering.Personal, "199123456": numbering.SharedCost, "0878123456": numbering.Premium, "+390878123456": numbering.Premium,
		"842123456": numbering.Premium, "843123456": numbering.Premium, "844123456": numbering.Premium, "845123456": numbering.Premium,
		"846123456": numbering.Premium, "849123456": numbering.Premium, "1254": numbering.Premium, "1240": numbering.Premium, "48383": numbering.Premium,
		"4321": numbering.Premium, "899123456": numbering.Premium, "895123456": numbering.Premium, "892424": numbering.Premium, "8921234": numbering.Premium,
		"848123456": numbering.SharedCost, "840123456": numbering.SharedCost, "144123456": numbering.Premium, "166123456": numbering.Premium,
		"119": numbering.Unknown, "900": numbering.Unknown, "*21#": numbering.Unknown, "99999999": numbering.Unknown,
		"1007": numbering.Internal, "2001": numbering.Internal, "2002": numbering.Unknown,
	} {
		if got := italy().Kind(number); got != want {
			t.Errorf("%s: %q, want %q", number, got, want)
		}
	}
}

func TestOtherCountries(t *testing.T) {
	for number, want := range map[string]numbering.Kind{
		"+493012345678": numbering.Geographic, "+499001234567": numbering.Premium, "+4918012345": numbering.SharedCost, "+4911833": numbering.Premium,
		"+4915112345678": numbering.Mobile, "+498001234567": numbering.Freephone, "+491371234567": numbering.Special,
		"+33142345678": numbering.Geographic, "+33899123456": numbering.Premium, "+33612345678": numbering.Mobile, "+33800123456": numbering.Freephone,
		"+34912345678": numbering.Geographic, "+34803123456": numbering.Premium, "+34902123456": numbering.SharedCost, "+34612345678": numbering.Mobile,
		"+442071234567": numbering.Geographic, "+443001234567": numbering.Geographic, "+449061234567": numbering.Premium, "+448451234567": numbering.SharedCost,
		"+447012345678": numbering.Personal, "+447911123456": numbering.Mobile, "+448001111111": numbering.Freephone,
		"+999123456789": numbering.Unknown, "+1": numbering.Unknown, "+3": numbering.Unknown,
	} {
		if got := italy().Kind(number); got != want {
			t.Errorf("%s: %q, want %q", number, got, want)
		}
	}
	german := numbering.NewPlan("49", nil, nil)
	if got := german.Kind("09001234567"); got != numbering.Premium {
		t.Errorf("a German 0900 in national form: %q", got)
	}
	if got := numbering.NewPlan("", nil, nil).Kind("0612345678"); got != numbering.Unknown {
		t.Errorf("a number in national form of no known country: %q", got)
	}
}

func TestWhatAsteriskDials(t *testing.T) {
	for text, want := range map[string]string{
		"PJSIP/agent1": "", "agent1": "", "899123456@trunk": "899123456", "PJSIP/899123456@trunk": "899123456", "PJSIP/trunk/sip:+39899123456@carrier:5060": "+39899123456",
		"SIP/trunk/0899 12": "089912", "Local/308@agents/n": "308", "": "", "PJSIP/trunk/sip:op1@127.0.0.1": "", "tel:+39-06-123;phone-context=x": "+3906123", "0612345678": "0612345678",
	} {
		if got := numbering.Dialled(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestAPublicNumberIsNeverInternal(t *testing.T) {
	if got := italy().Public("1007"); got != numbering.Unknown {
		t.Errorf("an extension as a public number: %q", got)
	}
	if got := italy().Public("agent1"); got != numbering.Unknown {
		t.Errorf("a name as a public number: %q", got)
	}
}

// Whatever is dialled, some kind comes back and nothing breaks; and writing it with 00 or + changes nothing.
func TestAnythingCanBeDialled(t *testing.T) {
	known := map[numbering.Kind]bool{"": true, "geographic": true, "mobile": true, "freephone": true, "voip": true, "internal": true, "premium": true, "shared_cost": true, "personal": true, "special": true, "unknown": true}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`\+?[0-9]{1,15}`), rapid.StringMatching(`PJSIP/[0-9]{1,12}@trunk`)).Draw(t, "dialled")
		if k := italy().Kind(text); !known[k] {
			t.Fatalf("%q is %q", text, k)
		}
		abroad := rapid.StringMatching(`[1-9][0-9]{5,13}`).Draw(t, "abroad")
		if a, b := italy().Kind("+"+abroad), italy().Kind("00"+abroad); a != b {
			t.Fatalf("+%s is %q, 00%s is %q", abroad, a, abroad, b)
		}
	})
}
