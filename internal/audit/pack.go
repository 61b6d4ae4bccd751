package audit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"

	"golang.org/x/mod/sumdb/note"

	"github.com/risposta/gateway/internal/mediation"
	"github.com/risposta/gateway/internal/printable"
	"github.com/risposta/gateway/internal/timeline"
	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/ledger/merkle"
)

// The files of the pack of one call.
const (
	PackRecord      = "record.json"     // the newest version
	PackEvidence    = "evidence.jsonl"  // of all versions, a frame a line
	PackProof       = "proof.txt"       // that the newest version is in the ledger log
	PackItemisation = "itemisation.txt" // of the newest version, for the caller
	PackTimeline    = "timeline.txt"    // second by second
)

// Pack makes the files of a call from its newest version and its evidence, and the proof of the
// version. It refuses a call whose evidence does not give that version as its last.
func Pack(record []byte, frames [][]byte, proof []byte) (map[string][]byte, error) {
	r, _, err := newest(record, frames)
	if err != nil {
		return nil, err
	}
	account, err := account(r.Call, frames, record)
	if err != nil {
		return nil, err
	}
	return map[string][]byte{
		PackRecord: record, PackEvidence: append(bytes.Join(frames, []byte("\n")), '\n'),
		PackProof: proof, PackItemisation: []byte(timeline.Itemisation(r)), PackTimeline: account,
	}, nil
}

// CheckPack checks a pack without a ledger, and returns all versions of the record that its evidence
// gives, the newest last.
func CheckPack(folder fs.FS, keys note.Verifiers) (versions []metering.Record, err error) {
	files := map[string][]byte{}
	for _, name := range []string{
		PackRecord, PackEvidence, PackProof, PackItemisation, PackTimeline,
	} {
		if files[name], err = fs.ReadFile(folder, name); err != nil {
			return nil, fmt.Errorf("reading the pack: %w", err)
		}
	}
	record := files[PackRecord]
	var frames [][]byte
	for line := range bytes.Lines(files[PackEvidence]) {
		frames = append(frames, bytes.TrimSuffix(line, []byte("\n")))
	}
	r, versions, err := newest(record, frames)
	if err != nil {
		return nil, err
	}
	leaf, _, err := merkle.CheckProof(files[PackProof], keys)
	switch {
	case err != nil:
		return nil, err
	case leaf.Kind != merkle.Record || leaf.Record != r.Record || leaf.SHA256 != merkle.Sum(record):
		return nil, fmt.Errorf("%s is the proof of another record than %s", PackProof, PackRecord)
	}
	made, err := Pack(record, frames, files[PackProof])
	if err != nil {
		return nil, err
	}
	for name, text := range made {
		if !bytes.Equal(text, files[name]) {
			return nil, fmt.Errorf("%s is not what the evidence gives", name)
		}
	}
	return versions, nil
}

// newest replays the evidence of a call, whose last version must be this one, byte for byte.
func newest(record []byte, frames [][]byte) (r metering.Record, all []metering.Record, err error) {
	if err := json.Unmarshal(record, &r); err != nil {
		return r, nil, fmt.Errorf("reading the record: %w", err)
	}
	_, out, err := mediation.Replay(frames)
	if err != nil {
		return r, nil, fmt.Errorf("replaying the evidence of call %s: %w", r.Call, err)
	}
	if n := len(out.Records); n == 0 || !bytes.Equal(out.Records[n-1].JSON(), record) {
		return r, nil, fmt.Errorf("the evidence of call %s gives %d versions, and the last is not "+
			"version %d as it is here, with %s %s", r.Call, n, r.Version, r.Charge, r.Charge.Currency)
	}
	return r, out.Records, nil
}

// account is the text of the call's timeline.
func account(call metering.CallID, frames [][]byte, record []byte) ([]byte, error) {
	t, err := timeline.New(call, frames, record)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	err = t.Write(printable.To(&text))
	return text.Bytes(), err
}
