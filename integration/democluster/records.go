package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/risposta/gateway/integration/judge"
	"github.com/risposta/gateway/integration/lab"
)

func callerOf(pbx int) string { return fmt.Sprintf("+39061234000%d", pbx) }

// tolerance is how far the events' time and that of the CEL may differ.
const tolerance = 20 * time.Millisecond

// records prints each record beside the talk by its PBX's own log.
func (d *demonstration) records(ctx context.Context) error {
	var errs []error
	fmt.Printf("\n  %-12s %-6s %12s %12s %8s  %s\n", "service", "pbx", "talk", "by the CEL", "unseen",
		"charge")
	for i, service := range []string{"assistance", "orders"} {
		rec, err := d.record(ctx, service)
		if err != nil {
			return err
		}
		truth, err := d.truth(ctx, i)
		if err != nil {
			return err
		}
		talk := time.Duration(rec.TalkMs) * time.Millisecond
		fmt.Printf("  %-12s %-6s %10.3f s %10.3f s %6.3f s  %s %s\n", service, fmt.Sprintf("pbx%d", i+1),
			talk.Seconds(), truth.Seconds(), float64(rec.UnseenMs)/1000, rec.Charge.Amount,
			rec.Charge.Currency)
		if rec.UnseenMs != 0 || (talk-truth).Abs() > tolerance {
			errs = append(errs, fmt.Errorf("the record of %s does not agree with Asterisk's log: %+v",
				service, rec))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	fmt.Println("\n  nothing was lost")
	return nil
}

// record reads the only record of a service, at the meter that is left.
func (d *demonstration) record(ctx context.Context, service string) (rec lab.Record, err error) {
	for _, id := range d.meters {
		out, err := exec.CommandContext(ctx, "docker", "exec", id, "/usr/bin/risposta", "records",
			"--service", service, "--config", "/etc/risposta-cluster/meter.yaml").Output()
		if err != nil {
			return rec, fmt.Errorf("risposta records: %w: %s", err, out)
		}
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		if len(lines) != 1 {
			return rec, fmt.Errorf("%d records of %s, want one:\n%s", len(lines), service, out)
		}
		return rec, json.Unmarshal([]byte(lines[0]), &rec)
	}
	return rec, errors.New("no meter is left")
}

// truth is the talk of the only call on a PBX, by its CEL.
func (d *demonstration) truth(ctx context.Context, pbx int) (sum time.Duration, err error) {
	err = lab.Until(ctx, 10*time.Second, "the CEL of the call", func() error {
		cel, err := d.pbxs[pbx].Log(ctx, "cel-custom/cel.csv")
		if err != nil {
			return err
		}
		ids, err := judge.Calls(cel, callerOf(pbx))
		if err != nil || len(ids) != 1 {
			return errors.Join(err, fmt.Errorf("%d calls of the caller, want one", len(ids)))
		}
		talks, err := judge.Truth(cel, ids[0], "PJSIP/agent*")
		sum = judge.Sum(talks)
		return err
	})
	return sum, err
}
