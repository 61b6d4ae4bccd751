package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"strings"
	"time"

	"github.com/risposta/gateway/integration/lab"
)

// bills prints both bills side by side, then the reason for every second.
func (d *demonstration) bills(ctx context.Context, rec lab.Record) error {
	var cdrs []string
	var billedMs int64
	err := lab.Until(ctx, 10*time.Second, "Asterisk's CDRs of the call", func() error {
		text, err := d.pbx.Log(ctx, "cdr-custom/cdr.csv")
		if err != nil {
			return err
		}
		cdrs, billedMs, err = readCDRs(text, rec.Call)
		if err == nil && len(cdrs) < 2 {
			err = fmt.Errorf("there are %d, want one for each operator", len(cdrs))
		}
		return err
	})
	if err != nil {
		return err
	}
	d.progress("done\n")
	left := append([]string{"Asterisk's CDR", ""}, cdrs...)
	left = append(left, "", "billsec      "+seconds(billedMs),
		"billed       "+euros(billedMs)+" EUR")
	right := []string{"Risposta", ""}
	for _, t := range rec.Talk {
		right = append(right, fmt.Sprintf("%9s  talk with %s", seconds(t.Ms), t.Operator))
	}
	right = append(right, fmt.Sprintf("%9s  on hold, free", seconds(rec.HeldMs)),
		fmt.Sprintf("%9s  waiting, free", seconds(rec.WaitedMs)), "",
		"talk         "+seconds(rec.TalkMs), fmt.Sprintf("billed       %s %s", rec.Charge.Amount,
			rec.Charge.Currency))
	columns(left, right)
	text, err := d.explain(ctx, rec.Call)
	if err != nil {
		return err
	}
	fmt.Printf("\nEvery second, from `risposta explain %s`:\n\n%s", rec.Call, text)
	return nil
}

// readCDRs finds the CDRs of the call, in the columns of deploy/asterisk/etc/cdr_custom.conf.
func readCDRs(text, call string) (lines []string, billedMs int64, err error) {
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		return nil, 0, fmt.Errorf("reading the CDRs: %w", err)
	}
	for _, r := range rows {
		if r[11] != call { // linkedid
			continue
		}
		billsec, err := time.ParseDuration(r[8] + "s")
		if err != nil {
			return nil, 0, fmt.Errorf("reading a CDR's billsec: %w", err)
		}
		billedMs += billsec.Milliseconds()
		to, _, _ := strings.Cut(r[3], "-")
		lines = append(lines, fmt.Sprintf("%9s  to %s", seconds(billsec.Milliseconds()), to))
	}
	return lines, billedMs, nil
}

func seconds(ms int64) string { return fmt.Sprintf("%d.%03d s", ms/1000, ms%1000) }

// euros is the price of the whole seconds at 0.96 a minute, rounded down to cents.
func euros(ms int64) string {
	cents := ms / 1000 * 96 / 60
	return fmt.Sprintf("%d.%02d", cents/100, cents%100)
}

// columnWidth is the width of the left bill, in characters.
const columnWidth = 40

func columns(left, right []string) {
	for i := range max(len(left), len(right)) {
		var l, r string
		if i < len(left) {
			l = left[i]
		}
		if i < len(right) {
			r = right[i]
		}
		fmt.Println(strings.TrimRight(fmt.Sprintf("  %-*s%s", columnWidth, l, r), " "))
	}
}
