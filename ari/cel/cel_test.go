package cel_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/risposta/gateway/ari/cel"
)

// The queue plays music to the caller until the operator answers; then both enter a bridge.
func ExampleRead() {
	const file = `
"CHAN_START","2026-11-23 09:45:27.921","+390612345678","a","a","PJSIP/trunk-00000000",""
"STREAM_BEGIN","2026-11-23 09:45:28.424","+390612345678","a","a","PJSIP/trunk-00000000","{""class"":""default""}"
"CHAN_START","2026-11-23 09:45:28.424","","b","a","PJSIP/agent1-00000001",""
"ANSWER","2026-11-23 09:45:30.432","1001","b","a","PJSIP/agent1-00000001",""
"STREAM_END","2026-11-23 09:45:30.432","+390612345678","a","a","PJSIP/trunk-00000000",""
"BRIDGE_ENTER","2026-11-23 09:45:30.432","1001","b","a","PJSIP/agent1-00000001","{""bridge_id"":""3a08""}"
`
	err := cel.Read(strings.NewReader(file), time.UTC, "pbx1", func(ev cel.Event) error {
		c := ev.Channel
		fmt.Println(ev.At.Format("05.000"), ev.Kind, c.ID, c.State, c.Caller, ev.Bridge.Channels)
		return nil
	})
	fmt.Println(err)
	// Output:
	// 27.921 ChannelCreated a Ring [number] []
	// 28.424 ChannelHold a Ring [number] []
	// 28.424 ChannelCreated b Down [withheld] []
	// 30.432 ChannelStateChange b Up [number] []
	// 30.432 ChannelUnhold a Ring [number] []
	// 30.432 ChannelEnteredBridge b Up [number] [b]
	// <nil>
}

// Bridges have the members that the rows so far put into them.
func TestReadKeepsTheMembersOfBridges(t *testing.T) {
	f, err := os.Open("../../integration/testdata/traces/answered/cel.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	var moves []string
	err = cel.Read(f, time.UTC, "pbx1", func(ev cel.Event) error {
		if ev.Bridge.ID != "" {
			moves = append(moves, fmt.Sprintf("%s %d", ev.Kind, len(ev.Bridge.Channels)))
		}
		return nil
	})
	want := "ChannelEnteredBridge 1, ChannelEnteredBridge 2, ChannelLeftBridge 1, ChannelLeftBridge 0"
	if got := strings.Join(moves, ", "); err != nil || got != want {
		t.Errorf("got %s, %v\nwant %s", got, err, want)
	}
}

// A time says its zone, or is in the given one; without either it is no instant.
func TestReadTimesOfAllForms(t *testing.T) {
	rome, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"2026-10-25 02:30:00.123+0200": "00:30:00.123 false false",
		"2026-10-25 02:30:00.123+0100": "01:30:00.123 false false",
		"1792888200.123456":            "00:30:00.123 false false",
		"2026-10-25 02:30:00.123":      "00:30:00.123 true true",
		"2026-10-25 12:30:00.123":      "11:30:00.123 true false",
	} {
		row := fmt.Sprintf(`"CHAN_START",%q,"","a","a","PJSIP/trunk-00000000",""`, text)
		got := ""
		err := cel.Read(strings.NewReader(row), rome, "pbx1", func(ev cel.Event) error {
			got = fmt.Sprint(ev.At.UTC().Format("15:04:05.000"), " ", ev.Local, " ", ev.Ambiguous)
			return nil
		})
		if err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", text, got, err, want)
		}
		err = cel.Read(strings.NewReader(row), nil, "pbx1", func(cel.Event) error { return nil })
		if errors.Is(err, cel.ErrNoZone) != strings.Contains(want, "true ") {
			t.Errorf("%s without a zone: %v", text, err)
		}
	}
}
