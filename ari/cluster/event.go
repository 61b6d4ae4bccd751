package cluster

import (
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/metering"
)

// An event of the source is written with all that it has, in JSON by the names of its Go fields:
// testdata/events.json holds them, and a change needs another [Version]. A number is written in clear.

// sourceKinds are the kinds of events that a source makes, by their names.
var sourceKinds = func() map[string]ari.Kind {
	names := map[string]ari.Kind{}
	for _, k := range []ari.Kind{
		ari.Gap, ari.SnapshotTaken, ari.Suspended, ari.Resumed, ari.Probed, ari.ListsTaken,
	} {
		names[k.String()] = k
	}
	return names
}()

var encoding = json.JoinOptions(
	json.OmitZeroStructFields(true), json.RejectUnknownMembers(true),
	json.WithMarshalers(json.JoinMarshalers(
		json.MarshalFunc(func(n metering.Number) ([]byte, error) { return json.Marshal(n.Clear()) }),
		json.MarshalFunc(func(k ari.Kind) ([]byte, error) { return json.Marshal(k.String()) }),
		json.MarshalFunc(func(d time.Duration) ([]byte, error) { return json.Marshal(d.Nanoseconds()) }),
	)),
	json.WithUnmarshalers(json.JoinUnmarshalers(
		json.UnmarshalFunc(func(text []byte, n *metering.Number) error {
			var digits string
			if err := json.Unmarshal(text, &digits); err != nil {
				return err
			}
			*n = metering.NewNumber(digits)
			return nil
		}),
		json.UnmarshalFunc(func(text []byte, k *ari.Kind) error {
			var name string
			if err := json.Unmarshal(text, &name); err != nil {
				return err
			}
			var ok bool
			if *k, ok = sourceKinds[name]; !ok {
				return fmt.Errorf("%q is no event of a source", name)
			}
			return nil
		}),
		json.UnmarshalFunc(func(text []byte, d *time.Duration) error {
			var ns int64
			if err := json.Unmarshal(text, &ns); err != nil {
				return err
			}
			*d = time.Duration(ns)
			return nil
		}),
	)),
)

func encodeEvent(ev *ari.Event) ([]byte, error) {
	if sourceKinds[ev.Kind.String()] != ev.Kind {
		return nil, fmt.Errorf("%s is no event of a source", ev.Kind)
	}
	text, err := json.Marshal(ev, encoding)
	if err != nil {
		return nil, fmt.Errorf("encoding the event %s: %w", ev.Kind, err)
	}
	return text, nil
}

// decodeEvent reads an event. Of its error nothing is shown that the event says.
func decodeEvent(text []byte) (*ari.Event, error) {
	var ev ari.Event
	if err := json.Unmarshal(text, &ev, encoding); err != nil {
		return nil, fmt.Errorf("an event of %d bytes is not in the encoding of version %d", len(text), Version)
	}
	if err := checkEvent(&ev); err != nil {
		return nil, err
	}
	return &ev, nil
}

// checkEvent refuses what a reader could not bear.
func checkEvent(ev *ari.Event) error {
	switch ev.Kind {
	case ari.SnapshotTaken, ari.Resumed, ari.ListsTaken:
		if ev.Snapshot == nil {
			return fmt.Errorf("an event %s has no snapshot", ev.Kind)
		}
	case ari.Other:
		return errors.New("an event has no kind")
	default:
	}
	return nil
}
