package heads

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// file is a file with a line for each head, best on another mount.
type file string

// String implements Place.
func (f file) String() string { return "file:" + string(f) }

// Keep implements Place: it adds the line, durably, behind a line that a crash cut short.
func (f file) Keep(_ context.Context, line []byte) (err error) {
	file, err := os.OpenFile(string(f), os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("keeping a signed head: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	last := []byte{'\n'}
	if end, err := file.Seek(0, io.SeekEnd); err == nil && end > 0 {
		if _, err := file.ReadAt(last, end-1); err != nil {
			return fmt.Errorf("keeping a signed head: %w", err)
		}
	}
	text := append(bytes.Clone(line), '\n')
	if last[0] != '\n' {
		text = append([]byte{'\n'}, text...)
	}
	if _, err := file.Write(text); err != nil {
		return fmt.Errorf("keeping a signed head: %w", err)
	}
	return file.Sync()
}

// tailBytes is more than some lines are long.
const tailBytes = 64 << 10

// Newest implements Place. It reads the end of the file.
func (f file) Newest(context.Context) (note []byte, err error) {
	file, err := os.Open(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the kept heads: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("reading the kept heads: %w", err)
	}
	text, err := io.ReadAll(io.NewSectionReader(file, max(0, info.Size()-tailBytes), tailBytes))
	if err != nil {
		return nil, fmt.Errorf("reading the kept heads: %w", err)
	}
	return newest(text), nil
}

// newest is the last head of some lines, nil for none.
func newest(lines []byte) []byte {
	notes, err := Read(lines)
	if err != nil {
		return nil
	}
	return notes[len(notes)-1]
}
