package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"os"
	"path"
	"strings"
	"time"

	"github.com/risposta/gateway/integration/judge"
	"github.com/risposta/gateway/integration/lab"
)

// cpu is the CPU time that two processes have used, in user and system mode.
type cpu struct{ asterisk, gateway time.Duration }

func usage(ctx context.Context, pbx *lab.Asterisk, gw *lab.Gateway) (c cpu, err error) {
	pid, err := pbx.PID(ctx)
	if err != nil {
		return c, err
	}
	if c.asterisk, err = lab.CPUOf(pid); err != nil || gw == nil {
		return c, err
	}
	c.gateway, err = lab.CPUOf(gw.PID())
	return c, err
}

// allowed is by how much a record's talk may exceed the CEL's.
const allowed = 20 * time.Millisecond

// judgeAll compares every record with the CEL, call by call.
func judgeAll(ctx context.Context, pbx *lab.Asterisk, gw *lab.Gateway, res *result) error {
	var records []lab.Record
	err := lab.Until(ctx, 20*time.Second, "every call to have its record", func() (err error) {
		if records, err = gw.Records(ctx, serviceName); err == nil && len(records) < res.calls {
			err = fmt.Errorf("%d of %d", len(records), res.calls)
		}
		return err
	})
	if err != nil && len(records) == 0 {
		return err
	}
	cel, err := pbx.Log(ctx, "cel-custom/cel.csv")
	if err != nil {
		return err
	}
	calls, err := split(cel)
	if err != nil {
		return err
	}
	res.records = len(records)
	byCall := map[string][]lab.Record{}
	for _, r := range records {
		byCall[r.Call] = append(byCall[r.Call], r)
	}
	for id, rows := range calls {
		switch got := byCall[id]; len(got) {
		case 0:
			res.lost++
		case 1:
			talks, err := judge.Truth(rows, id, operatorsGlob)
			if err != nil {
				return fmt.Errorf("call %s: %w", id, err)
			}
			over := time.Duration(got[0].TalkMs)*time.Millisecond - judge.Sum(talks)
			res.worst = max(res.worst, over.Abs())
			if over > allowed {
				res.overcharged++
				fmt.Fprintf(os.Stderr, "call %s: talk %d ms, the CEL allows %s\n  record %+v\n  CEL    %+v\n",
					id, got[0].TalkMs, judge.Sum(talks), got[0].Talk, talks)
			}
		default:
			res.doubled++
		}
	}
	if len(calls) != res.calls {
		return fmt.Errorf("the CEL has %d calls, %d were made", len(calls), res.calls)
	}
	return nil
}

// split sorts the CEL's rows by the call that they belong to: their linkedid, which is the caller's
// id.
func split(cel string) (map[string]string, error) {
	rows, err := csv.NewReader(strings.NewReader(cel)).ReadAll()
	if err != nil {
		return nil, err
	}
	const colLinked, colChannel = 4, 5
	texts := map[string]*strings.Builder{}
	for _, row := range rows {
		if ok, err := path.Match("PJSIP/*", row[colChannel]); err != nil || !ok {
			continue
		}
		b := texts[row[colLinked]]
		if b == nil {
			b = &strings.Builder{}
			texts[row[colLinked]] = b
		}
		w := csv.NewWriter(b)
		if err := w.Write(row); err != nil {
			return nil, err
		}
		w.Flush()
	}
	calls := make(map[string]string, len(texts))
	for id, b := range texts {
		calls[id] = b.String()
	}
	return calls, nil
}
