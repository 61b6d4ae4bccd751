package reconcile

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/risposta/gateway/metering"
)

// The columns of deploy/asterisk/etc/cdr_custom.conf that are read.
const (
	cdrBillsec = 8
	cdrLinked  = 11
)

// ReadCDR adds up what the CDRs of each call would bill: their billsec. An error names
// the line.
func ReadCDR(r io.Reader) (map[metering.CallID]time.Duration, error) {
	rows := csv.NewReader(r)
	rows.FieldsPerRecord = -1
	sums := map[metering.CallID]time.Duration{}
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return sums, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading the CDRs: %w", err)
		}
		line, _ := rows.FieldPos(0)
		if len(row) <= cdrLinked {
			return nil, fmt.Errorf("reading the CDRs, line %d: it has %d columns, want at least %d: "+
				"see deploy/asterisk/etc/cdr_custom.conf", line, len(row), cdrLinked+1)
		}
		d, err := time.ParseDuration(row[cdrBillsec] + "s")
		if err != nil {
			return nil, fmt.Errorf(
				"reading the CDRs, line %d: its billsec is not a number of seconds", line)
		}
		sums[metering.CallID(row[cdrLinked])] += d
	}
}

// ReadQueueLog counts how often each call was connected with a member. A line is
// epoch|call|queue|member|event|arguments.
func ReadQueueLog(r io.Reader) (map[metering.CallID]int, error) {
	connected := map[metering.CallID]int{}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		if f := strings.Split(lines.Text(), "|"); len(f) > 4 && f[4] == "CONNECT" {
			connected[metering.CallID(f[1])]++
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading the queue_log: %w", err)
	}
	return connected, nil
}
