package cel

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// The forms of a time: with the offset of Asterisk's zone, as the dateformat of
// deploy/asterisk/etc/cel.conf has it; without; and without any dateformat, in seconds since 1970.
const (
	offsetLayout = "2006-01-02 15:04:05.000-0700"
	localLayout  = "2006-01-02 15:04:05.000"
)

var epoch = regexp.MustCompile(`^([0-9]{9,11})\.([0-9]{6})$`)

var errForm = fmt.Errorf("its time is not such as %q, %q or 1795427174.945123: "+
	"set dateformat in cel.conf", offsetLayout, localLayout)

// ErrNoZone means that the file has local times, and the zone is not known.
var ErrNoZone = fmt.Errorf("its time is local, and says nothing of the zone")

// instant is the time of a row.
type instant struct {
	at        time.Time
	local     bool // without the offset of its zone
	ambiguous bool // local, and the zone leaves open which instant it is
}

// parseTime reads the time of a row. zone is that of local times, nil where it is not known.
func parseTime(text string, zone *time.Location) (i instant, err error) {
	if part := epoch.FindStringSubmatch(text); part != nil {
		sec, err := strconv.ParseInt(part[1], 10, 64)
		if err != nil {
			return i, errForm
		}
		usec, err := strconv.ParseInt(part[2], 10, 64)
		if err != nil {
			return i, errForm
		}
		return instant{at: time.Unix(sec, 1000*usec).UTC().Truncate(time.Millisecond)}, nil
	}
	if at, err := time.Parse(offsetLayout, text); err == nil {
		return instant{at: at.UTC()}, nil
	}
	wall, err := time.Parse(localLayout, text)
	switch {
	case err != nil:
		return i, errForm
	case zone == nil:
		return i, ErrNoZone
	}
	at, ambiguous := inZone(wall, zone)
	return instant{at: at, local: true, ambiguous: ambiguous}, nil
}

// inZone is when the clocks of a zone show a time, and reports whether they show it twice or never.
func inZone(wall time.Time, zone *time.Location) (at time.Time, ambiguous bool) {
	var found []time.Time
	for _, near := range [...]time.Duration{-day, day} { // the offsets before and after any change
		_, offset := wall.Add(near).In(zone).Zone()
		at = wall.Add(-time.Duration(offset) * time.Second)
		if _, there := at.In(zone).Zone(); there == offset && !slices.ContainsFunc(found, at.Equal) {
			found = append(found, at)
		}
	}
	if len(found) == 0 {
		return at, true
	}
	return found[0], len(found) > 1
}

const day = 24 * time.Hour
