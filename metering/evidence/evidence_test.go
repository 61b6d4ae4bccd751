package evidence_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/evidence"
	"github.com/risposta/gateway/metering/policy"
	"github.com/risposta/gateway/metering/tariff"
)

var arrived = time.Date(2026, 11, 23, 10, 0, 0, 123e6, time.UTC)

func arrival(t *testing.T) metering.Fact {
	t.Helper()
	law, err := policy.For("it", policy.SectorOther, nil)
	if err != nil {
		t.Fatal(err)
	}
	return metering.Fact{
		Kind: metering.CallArrived, Call: "c1", RecordName: "n1", At: arrived, Node: "pbx", Service: "help", Caller: "c-x",
		Terms: &metering.Terms{
			AskExemption: true, NumberKind: "geographic", Policy: law, OutsideHours: true,
			ChoiceMarked: true,
			Tariff: &tariff.Tariff{
				Name: "standard", PerMinute: "0.96", Increment: time.Second, Currency: "EUR",
				FreeSeconds: 30, CapPerCall: "9.60", Band: "evening", Tax: tariff.TaxAdded, TaxPercent: "22",
			},
		},
	}
}

func TestCallHoldsAllThatItsChargeDependsOn(t *testing.T) {
	want := arrival(t)
	frame := evidence.NewCall(want, []string{"PJSIP/agent*"}, "not_yet_watching")
	c, got, err := evidence.ReadCall(frame)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(metering.Number{})); diff != "" {
		t.Errorf("(-arrival +evidence)\n%s", diff)
	}
	if c.Unseen != "not_yet_watching" || len(c.Operators) != 1 || c.Version != evidence.Version {
		t.Errorf("got %+v", c)
	}
}

func TestCallOfAnotherVersionIsRefused(t *testing.T) {
	frame := evidence.NewCall(arrival(t), nil, "")
	for name, c := range map[string]struct{ old, new, says string }{
		"a later version":  {`"version":1`, `"version":2,"shape":"new"`, "version 2 of the format"},
		"no version":       {`"version":1,`, ``, "version 0 of the format"},
		"another type":     {"risposta.Call", "risposta.Gap", "not with risposta.Call"},
		"no type":          {`"type":"risposta.Call",`, ``, "it has none"},
		"an unknown field": {`"version":1`, `"version":1,"discount":"1"`, "unknown object member"},
		"a field twice":    {`"version":1`, `"version":1,"version":1`, "duplicate"},
		"no call":          {`"call":"c1",`, ``, "call: missing"},
		"no record name":   {`"record":"n1",`, ``, "record: missing"},
		"no timestamp":     {`"timestamp":"2026-11-23T10:00:00.123Z",`, ``, "timestamp: missing"},
		"a bad tariff":     {`"per_minute":"0.96"`, `"per_minute":"much"`, "tariff: per_minute"},
		"an unknown tax":   {`"tax":"added"`, `"tax":"perhaps"`, "tariff: tax"},
		"another choice":   {`"choice":"mark"`, `"choice":"key"`, `choice: "key"`},
		"a weak policy":    {`"name":"it"`, `"name":""`, "policy: "},
		"broken":           {`"basic_rate"`, `"basic_"rate"`, "invalid character"},
	} {
		t.Run(name, func(t *testing.T) {
			bad := bytes.Replace(frame, []byte(c.old), []byte(c.new), 1)
			if bytes.Equal(bad, frame) {
				t.Fatalf("%s is not in %s", c.old, frame)
			}
			_, _, err := evidence.ReadCall(bad)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want an error with %q", err, c.says)
			}
		})
	}
}

func TestAnswersAndAnnouncementsReadAsTheFactsTheyWere(t *testing.T) {
	e := metering.Exemption{Verdict: metering.ExemptYes, Ref: "e-17"}
	got, err := evidence.ReadExemption(evidence.NewExemption("c1", arrived, e))
	if err != nil || got.Exemption != e || got.Call != "c1" || !got.At.Equal(arrived) ||
		got.Kind != metering.ExemptionAnswered {
		t.Errorf("got %+v, %v", got, err)
	}
	e = metering.Exemption{
		Verdict: metering.ExemptNo, Attestation: metering.AttestationFailed, Untrusted: true,
	}
	frame := evidence.NewExemption("c1", arrived, e)
	if got, err = evidence.ReadExemption(frame); err != nil || got.Exemption != e {
		t.Errorf("got %+v, %v; want %+v", got.Exemption, err, e)
	}
	unknown := bytes.ReplaceAll(frame, []byte(`"failed"`), []byte(`"D"`))
	if got, err := evidence.ReadExemption(unknown); err == nil || bytes.Equal(frame, unknown) {
		t.Errorf("an attestation that does not exist reads as %+v", got.Exemption)
	}
	e = metering.Exemption{Verdict: metering.ExemptYes, Ref: "e-17"}
	at := metering.Time{Time: arrived}
	a := metering.Announcement{AnnouncedAt: at, Tariff: "t@1", Consent: "given"}
	got, err = evidence.ReadAnnouncement(evidence.NewAnnouncement("c1", arrived, a))
	if err != nil || *got.Announcement != a || got.Kind != metering.AnnouncementMade {
		t.Errorf("got %+v, %v", got, err)
	}
	frame = evidence.NewResolved("c1", arrived, e, metering.ReasonCredited)
	r, again, err := evidence.ReadResolved(frame)
	if err != nil || again != e || r.Why != metering.ReasonCredited {
		t.Errorf("got %+v, %+v, %v", r, again, err)
	}
	gap := evidence.Gap{At: at, Reason: "x"}
	frames := [][]byte{evidence.NewCall(arrival(t), nil, ""), gap.Encode()}
	rec, second, err := evidence.ReadReconciled(evidence.NewReconciled("c1", arrived, frames, true))
	if err != nil || cmp.Diff(frames, second) != "" || !rec.LowersOnly {
		t.Errorf("got %+v, %s, %v", rec, second, err)
	}
}

func TestAFrameReadAsAnotherTypeIsRefused(t *testing.T) {
	frame := evidence.NewExemption("c1", arrived, metering.Exemption{})
	if _, err := evidence.ReadGap(frame); err == nil {
		t.Error("an exemption reads as a gap")
	}
	if _, _, err := evidence.ReadResolved(frame); err == nil {
		t.Error("an exemption reads as resolved")
	}
}

func TestOurs(t *testing.T) {
	for frameType, want := range map[string]bool{
		evidence.TypeGap: true, "risposta.Later": true,
		"ChannelHold": false, "rispostaGap": false, "": false,
	} {
		if evidence.Ours(frameType) != want {
			t.Errorf("Ours(%q) is not %t", frameType, want)
		}
	}
}
