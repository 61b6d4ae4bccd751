package tap

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/risposta/gateway/ari"
	"github.com/risposta/gateway/ari/cluster"
)

// resumeFile keeps where the source stopped when the PBX keeps its events for the next run, beside the
// journal.
type resumeFile struct{ path string }

type resumePoint struct {
	Position ari.Position  `json:"position"`
	Last     cluster.Place `json:"last"` // of the journal: it must have everything before the position
}

func resumeIn(folder string) resumeFile {
	return resumeFile{filepath.Join(folder, "resume.json")}
}

// save writes the position durably.
func (r resumeFile) save(p ari.Position, last cluster.Place) error {
	text, err := json.Marshal(resumePoint{p, last})
	if err != nil {
		panic("tap: a position does not encode: " + err.Error()) // every field can be encoded
	}
	next := r.path + ".new"
	f, err := os.OpenFile(next, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = f.Write(text)
		err = errors.Join(err, f.Sync(), f.Close())
	}
	if err == nil {
		err = os.Rename(next, r.path)
	}
	if err == nil {
		err = syncFolder(filepath.Dir(r.path))
	}
	if err != nil {
		return fmt.Errorf("keeping the position for the next run: %w", err)
	}
	return nil
}

// take takes the position out, durably: no later call returns it. nil: there is none.
func (r resumeFile) take(last cluster.Place) (ari.Position, error) {
	text, err := os.ReadFile(r.path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		err = os.Remove(r.path)
	}
	if err == nil {
		err = syncFolder(filepath.Dir(r.path))
	}
	var p resumePoint
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	if err != nil {
		return nil, fmt.Errorf("taking the position of the last run: %w", err)
	}
	if p.Last != last {
		return nil, errors.New("the position of the last run does not fit the journal, which was changed")
	}
	return p.Position, nil
}
