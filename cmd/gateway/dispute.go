package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/risposta/gateway/metering"
)

// disputeCommand works beside a running gateway: each of its changes is one short transaction.
type disputeCommand struct {
	Open  disputeOpen  `cmd:"" help:"Keep the detail of the call until the dispute is closed."`
	Close disputeClose `cmd:"" help:"Let the detail of the call be erased when it is due."`
	List  disputeList  `cmd:"" help:"List the disputes."`
	Pack  disputePack  `cmd:"" help:"Write the bill, the timeline and the evidence of the call into a folder."`
}

type disputeOpen struct {
	readFlags
	Note string `help:"A remark, such as a case number. No names." placeholder:"TEXT"`
	Call string `arg:"" help:"The call as the records name it."`
}

// Run opens the dispute.
func (c disputeOpen) Run(ctx context.Context, io streams) (err error) {
	l, err := c.openReadWrite(ctx, io)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	if err := l.OpenDispute(ctx, metering.CallID(c.Call), time.Now(), c.Note); err != nil {
		return err
	}
	_, err = fmt.Fprintf(io.stdout, "the dispute of call %s is open: its detail is kept\n", c.Call)
	return err
}

type disputeClose struct {
	readFlags
	Call string `arg:"" help:"The call as the records name it."`
}

// Run closes the dispute.
func (c disputeClose) Run(ctx context.Context, io streams) (err error) {
	l, err := c.openReadWrite(ctx, io)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	if err := l.CloseDispute(ctx, metering.CallID(c.Call), time.Now()); err != nil {
		return err
	}
	_, err = fmt.Fprintf(io.stdout, "the dispute of call %s is closed\n", c.Call)
	return err
}

type disputeList struct{ readFlags }

// Run prints a line for each dispute: the call, when it was opened and closed, the remark.
func (c disputeList) Run(ctx context.Context, io streams) (err error) {
	l, err := c.openReadOnly(ctx, io)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	all, err := l.Disputes(ctx)
	if err != nil {
		return err
	}
	for _, d := range all {
		until := "open"
		if !d.ClosedAt.IsZero() {
			until = "closed " + d.ClosedAt.Format(time.RFC3339)
		}
		fmt.Fprintf(io.stdout, "%s  opened %s  %s  %s\n",
			d.Call, d.OpenedAt.Format(time.RFC3339), until, d.Note)
	}
	return nil
}
