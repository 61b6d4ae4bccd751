package numbering_test

import (
	"os"
	"strings"
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
		if got := p.Kind("", number); got != want {
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

// The number behind an account, a contact, options or pauses counts.
func TestKindOfADialString(t *testing.T) {
	p := numbering.NewPlan("39", []string{"10??", "30?"}, []string{"2001"})
	for _, c := range []struct {
		endpoint, text string
		want           numbering.Kind
	}{
		// An endpoint's own name is no number, whatever it looks like.
		{"PJSIP/agent1", "agent1", numbering.None},
		{"PJSIP/agent1", "PJSIP/agent1", numbering.None},
		{"PJSIP/200", "200", numbering.None},
		{"PJSIP/200", "200/sip:200@192.0.2.7:5060", numbering.None},
		{"PJSIP/200", "200/sip:200@192.0.2.7:5060;transport=ws;ob", numbering.None},
		{"PJSIP/4321", "PJSIP/4321/sip:4321@192.0.2.7", numbering.None},
		{"PJSIP/0612345678", "0612345678", numbering.None},
		{"DAHDI/1", "1", numbering.None},
		// A telephone whose contact is no number: known, where its name is an extension.
		{"PJSIP/300", "300/sip:k3j4h5@192.0.2.7;transport=ws", numbering.Internal},
		{"PJSIP/200", "200/sip:k3j4h5@192.0.2.7;transport=ws", numbering.Unknown},
		// By endpoint and number.
		{"PJSIP/trunk", "899123456@trunk", numbering.Premium},
		{"PJSIP/trunk", "PJSIP/899123456@trunk", numbering.Premium},
		{"PJSIP/trunk", "0612345678@trunk", numbering.Geographic},
		{"PJSIP/trunk", "+39 06-12345678@trunk", numbering.Geographic},
		{"PJSIP/trunk", "390612345678@trunk", numbering.Geographic},
		{"PJSIP/trunk", "39899123456@trunk", numbering.Premium},
		{"PJSIP/trunk", "1007@trunk", numbering.Internal},
		{"SIP/trunk", "trunk/0899 12", numbering.Geographic},
		// By address. The account in front is a name, also where it looks like a number.
		{"PJSIP/trunk", "trunk/sip:+39899123456@carrier:5060", numbering.Premium},
		{"PJSIP/trunk", "PJSIP/trunk/SIP:899123456@carrier", numbering.Premium},
		{"PJSIP/trunk", "trunk/sips:899123456@carrier;user=phone", numbering.Premium},
		{"PJSIP/trunk", "trunk/sip:899123456:secret@carrier", numbering.Premium},
		{"PJSIP/trunk", "trunk/sip:0899123456;phone-context=+49@carrier", numbering.Geographic},
		{"PJSIP/trunk", "trunk/sip:09001234567;phone-context=+49@carrier", numbering.Premium},
		{"PJSIP/0612345678", "0612345678/sip:899123456@carrier", numbering.Premium},
		{"PJSIP/0612345678", "0612345678/sip:0698765432@carrier", numbering.Geographic},
		{"PJSIP/300", "300/sip:899123456@carrier", numbering.Premium},
		// By group, channel and pause; by host and options.
		{"DAHDI/i1/899123456", "g1/899123456", numbering.Premium},
		{"DAHDI/i1/899123456", "i1/899123456", numbering.Premium},
		{"DAHDI/2", "g1/w899123456", numbering.Premium},
		{"DAHDI/2", "DAHDI/g1c/ww0612345678", numbering.Geographic},
		{"IAX2/peer", "peer/899123456@outbound", numbering.Premium},
		{"IAX2/peer", "me:secret@peer/899123456@outbound/a", numbering.Premium},
		// What cannot be read is not known. It is never no number.
		{"PJSIP/trunk", "trunk/sip:op1@127.0.0.1", numbering.Unknown},
		{"PJSIP/trunk", "trunk/sip:%38%39%39123456@carrier", numbering.Unknown},
		{"PJSIP/trunk", "premium@trunk", numbering.Unknown},
		{"PJSIP/trunk", "*31*899123456@trunk", numbering.Unknown},
		{"PJSIP/trunk", "trunk/", numbering.Unknown},
		{"PJSIP/trunk", "00612345678@trunk", numbering.Unknown},
		{"DAHDI/2", "g1", numbering.Unknown},
		{"?", "agent1", numbering.Unknown},
		// Half of a Local channel only enters the dialplan.
		{"Local/agent1@agents", "Local/agent1@agents/n", numbering.None},
		{"Local/302@agents", "302@agents/n", numbering.Internal},
		{"Local/899123456@out", "899123456@out", numbering.Premium},
		// Transfers lead to an extension.
		{"", "agent2", numbering.None},
		{"", "2001", numbering.Internal},
		{"", "2001;npdi;rn=+3906", numbering.Internal},
		{"", "899123456;npdi", numbering.Premium},
		{"", "999", numbering.Unknown},
	} {
		if got := p.Kind(c.endpoint, c.text); got != c.want {
			t.Errorf("%q for %s: %q, want %q", c.text, c.endpoint, got, c.want)
		}
	}
}

// Satellites and networks of no country cost many times an ordinary call.
func TestInternationalNetworksAreNotOrdinary(t *testing.T) {
	for _, number := range []string{
		"+870776123456", "+87800123456", "+881612345678", "+88213123456", "+883510012345678",
		"+888123456789", "00870776123456",
	} {
		expect(t, italy(), numbering.Special, number)
	}
	expect(t, italy(), numbering.Premium, "+979123456789")
	expect(t, italy(), numbering.Freephone, "+80012345678")
	expect(t, italy(), numbering.SharedCost, "+80812345678")
}

// A number that means two is what the dearer one is.
func TestTheDearerReadingCounts(t *testing.T) {
	expect(t, numbering.NewPlan("49", nil, nil), numbering.Premium, "499001234567", "09001234567")
	expect(t, numbering.NewPlan("1", nil, nil), numbering.Premium, "9002345678", "19002345678")
	expect(t, italy(), numbering.Mobile, "3281234567", "3290123456", "3917812345")
}

// The table names the version of the plans that is linked in.
func TestSourcesNameTheLinkedPlans(t *testing.T) {
	text, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	_, plans, _ := strings.Cut(numbering.Sources, "then ")
	if plans == "" || !strings.Contains(string(text), "github.com/"+plans+"\n") {
		t.Errorf("go.mod has no %q", plans)
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
		if k := italy().Kind("PJSIP/trunk", text); !known[k] {
			t.Fatalf("%q is %q", text, k)
		}
		number := international.Draw(t, "international")
		if a, b := italy().Kind("", "+"+number), italy().Kind("", "00"+number); a != b {
			t.Fatalf("+%s is %q, 00%s is %q", number, a, number, b)
		}
	})
}
