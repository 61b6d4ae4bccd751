package exemption

import (
	"fmt"
	"regexp"
	"time"
)

// RefForm describes [IsRef] in error texts.
const RefForm = "at most 64 letters, digits, dots, dashes, colons and underscores"

var reference = regexp.MustCompile(`^[A-Za-z0-9._:-]{0,64}$`)

// IsRef reports whether a text has the form of an opaque reference, or is empty; all lookups keep to
// it. The form refuses a sentence that says why a caller is exempt, but not a single word.
func IsRef(text string) bool { return reference.MatchString(text) }

// ParseDay reads a day such as 2026-01-31: its first instant in the zone.
func ParseDay(text string, zone *time.Location) (time.Time, error) {
	t, err := time.ParseInLocation(time.DateOnly, text, zone)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is not a day such as 2026-01-31", text)
	}
	return t, nil
}
