package records_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/internal/records"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/tariff"
)

// fullRecord has a value in every field that a living record may have.
func fullRecord() metering.Record {
	at := metering.Time{Time: time.Date(2026, 11, 23, 9, 46, 14, 945e6, time.UTC)}
	return metering.Record{
		Record: "r-1", Version: 2, Node: "02:00", Call: "pbx1-1.1", Service: `help, "fast"`,
		Caller: "c-1", CallerAlso: []string{"c-2"}, CallerUnread: true, Trunk: "PJSIP/trunk",
		Attestation: metering.AttestedFull,
		ArrivedAt:   at, EndedAt: at, Outcome: metering.Talked, State: metering.RecordPending,
		OutsideHours: true, Choice: metering.ChoiceMark, ChosenAt: at,
		Queues:   []metering.QueueEntry{{Name: "support", JoinedAt: at, LeftAt: at}},
		Talk:     []metering.Talk{{From: at, To: at, Ms: 7, Operator: "PJSIP/agent1"}},
		WaitedMs: 1, HeldMs: 2, UnseenMs: 3, TalkMs: 4, BillableSeconds: 5,
		Exempt: true, ExemptionRef: "e-1", Tariff: "standard@1", Policy: "it@1",
		Numbers:      []string{"geographic", "mobile"},
		Announcement: &metering.Announcement{Tariff: "standard@1"}, Survey: &metering.Survey{},
		Charge: tariff.Amount{Minor: 14, Digits: 2, Currency: "EUR"},
		Net:    tariff.Amount{Minor: 11, Digits: 2, Currency: "EUR"},
		Tax:    tariff.Amount{Minor: 3, Digits: 2, Currency: "EUR"}, TaxPercent: "22",
		Reasons:  []metering.Reason{"talk", "answered_early"},
		Evidence: metering.Evidence{Events: 9, Digest: "sha256:1"},
	}
}

func written(t *testing.T, w records.Writer, all ...metering.Record) {
	t.Helper()
	for _, r := range all {
		if err := w.Write(r.JSON()); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
}

func TestJSONKeepsTheRecordsBytes(t *testing.T) {
	r := fullRecord()
	var out bytes.Buffer
	written(t, records.NewJSON(&out), r, r)
	if want := strings.Repeat(string(r.JSON())+"\n", 2); out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

func TestCSVHasAColumnForEachFieldOfTheRecord(t *testing.T) {
	r := fullRecord()
	var out bytes.Buffer
	written(t, records.NewCSV(&out), r)
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil || len(rows) != 2 {
		t.Fatalf("%d rows, %v; want a head and one", len(rows), err)
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(r.JSON(), &fields); err != nil {
		t.Fatal(err)
	}
	var columns []string
	for i, name := range rows[0] {
		top, _, _ := strings.Cut(name, ".")
		columns = append(columns, top)
		if _, ok := fields[top]; !ok {
			t.Errorf("column %s is no field of the record", name)
		}
		if rows[1][i] == "" {
			t.Errorf("column %s is empty", name)
		}
	}
	for name := range fields {
		if !slices.Contains(columns, name) {
			t.Errorf("field %s has no column", name)
		}
	}
}

func TestCSVOfNoRecordsIsTheHeadAlone(t *testing.T) {
	var out bytes.Buffer
	written(t, records.NewCSV(&out))
	head := out.String()
	if strings.Count(head, "\n") != 1 || !strings.HasPrefix(head, "record,version,") {
		t.Errorf("got %q", head)
	}
}

func TestCSVRefusesWhatIsNoRecord(t *testing.T) {
	var out bytes.Buffer
	err := records.NewCSV(&out).Write([]byte("{"))
	if err == nil || !strings.Contains(err.Error(), "reading a record") {
		t.Errorf("got %v", err)
	}
}

// A cell from outside is no formula in a spreadsheet.
func TestCSVCellsAreNoFormulas(t *testing.T) {
	r := fullRecord()
	r.Call, r.Trunk, r.Service, r.Node = "=cmd|' /C calc'!A0", "@SUM(1)", "+1", "-2"
	var out bytes.Buffer
	written(t, records.NewCSV(&out), r)
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil || len(rows) != 2 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for i, want := range map[string]string{
		"call": "'=cmd|' /C calc'!A0", "trunk": "'@SUM(1)", "service": "'+1", "node": "'-2", "caller": "c-1",
	} {
		if got := rows[1][slices.Index(rows[0], i)]; got != want {
			t.Errorf("%s: %q, want %q", i, got, want)
		}
	}
}
