package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"go.uber.org/zap"

	"github.com/risposta/gateway/internal/audit"
	"github.com/risposta/gateway/metering/ledger/merkle"
)

// headsFile is the second place of the signed heads, best on another mount: one a line, as the log
// has it. Who changes the ledger does not change it along.
type headsFile string

type headLine struct {
	TS     time.Time `json:"ts"`
	Event  string    `json:"event"`
	Leaves int64     `json:"leaves"`
	Head   string    `json:"head"`
}

// keep adds a head, durably.
func (f headsFile) keep(head merkle.Head, at time.Time) (err error) {
	line, err := json.Marshal(headLine{at.UTC(), evSigned, head.N, string(head.Note)})
	if err != nil {
		return err
	}
	file, err := os.OpenFile(string(f), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if _, err := file.Write(append(line, '\n')); err != nil {
		return err
	}
	return file.Sync()
}

// newest is the head that was kept last, nil for none. A line that a crash cut short is passed over.
func (f headsFile) newest() (note []byte, err error) {
	text, err := os.ReadFile(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for line := range bytes.Lines(text) {
		var l headLine
		if json.Unmarshal(line, &l) == nil && l.Head != "" {
			note = []byte(l.Head)
		}
	}
	return note, err
}

// compareHeads reports a ledger that is not the one whose head was kept in the second place, such as
// an older one that was put back. The gateway goes on: calls are metered all the same.
func (d *Gateway) compareHeads(ctx context.Context) {
	f := headsFile(d.conf.Ledger.HeadsFile)
	if f == "" {
		return
	}
	if err := d.compareHead(ctx, f); err != nil {
		d.metrics.headsDiffer.Set(1)
		d.log.Error(evHeadsDiffer, zap.String("file", string(f)), zap.Error(err))
	}
}

func (d *Gateway) compareHead(ctx context.Context, f headsFile) error {
	note, err := f.newest()
	if err != nil || note == nil {
		return err
	}
	keys, err := audit.Verifiers(d.conf.Ledger.KeyFile)
	if err != nil {
		return err
	}
	head, err := merkle.Open(note, keys)
	if err != nil {
		return err
	}
	agrees, err := d.ledger.Agrees(ctx, head.Tree)
	if err == nil && !agrees {
		err = fmt.Errorf("the ledger is not the one whose head was signed at %d leaves: it is older, "+
			"or another; put the right one back, or move the file of heads away", head.N)
	}
	return err
}
