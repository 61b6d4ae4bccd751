package native

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/coder/websocket"

	"github.com/risposta/gateway/ari"
)

// frontBytes is how much of a longer frame is kept: its type and its channels stand there.
const frontBytes = 64 << 10

// read takes frames off a socket as fast as they come. deliver must not wait.
func read(ctx context.Context, conn *websocket.Conn, deliver func(ari.Frame) error) error {
	for {
		_, r, err := conn.Reader(ctx)
		if err != nil {
			return fmt.Errorf("reading the event socket: %w", err)
		}
		f, err := readFrame(r)
		if err != nil {
			return fmt.Errorf("reading the event socket: %w", err)
		}
		if err := deliver(f); err != nil {
			return err
		}
	}
}

func readFrame(r io.Reader) (ari.Frame, error) {
	raw, err := io.ReadAll(io.LimitReader(r, ari.MaxFrame))
	if err != nil || len(raw) < ari.MaxFrame {
		return ari.Frame{Raw: raw}, err
	}
	rest, err := io.Copy(io.Discard, r)
	if err != nil || rest == 0 {
		return ari.Frame{Raw: raw}, err
	}
	return ari.Frame{Raw: bytes.Clone(raw[:frontBytes]), Total: len(raw) + int(rest)}, nil
}

// endedByPBX reports whether a connection ended because the PBX ended it after all it had to send.
func endedByPBX(err error) bool {
	return websocket.CloseStatus(err) == websocket.StatusNormalClosure || errors.Is(err, io.EOF)
}
