package sqlitefile

import (
	"bytes"
	"slices"
	"testing"
)

// A page of a table, 64 bytes: two pointers, a gap, two cells of ten bytes.
func tablePage() []byte {
	page := make([]byte, 64)
	copy(page, []byte{0x0d, 0, 0, 0, 2, 0, 44, 0, 0, 44, 0, 54})
	copy(page[44:], bytes.Repeat([]byte("live"), 5))
	return page
}

// zeroed is the page without what was in its gap.
func zeroed(page []byte, n int64, reserved int) []byte {
	from, until := gap(page, n, reserved)
	page = slices.Clone(page)
	clear(page[from:until])
	return page
}

func TestOnlyTheGapOfAPageIsFound(t *testing.T) {
	page := tablePage()
	copy(page[20:], "erased")
	if got := zeroed(page, 2, 0); !bytes.Equal(got, tablePage()) {
		t.Errorf("the page is %q", got)
	}
	// The first page of a file begins with the header of the file.
	first := append(bytes.Repeat([]byte{0x0d}, 100), tablePage()[:8]...)
	first = append(first, make([]byte, 64)...)
	first[105], first[106] = 0, 150 // its cells begin there
	copy(first[120:], "erased")
	want := slices.Clone(first)
	clear(want[120:126])
	if got := zeroed(first, 1, 0); !bytes.Equal(got, want) {
		t.Errorf("the first page is %q", got)
	}
}

func TestOtherPagesAreLeftAlone(t *testing.T) {
	for name, change := range map[string]func(page []byte){
		"an overflow page":                  func(page []byte) { page[0] = 0 },
		"a page with too many pointers":     func(page []byte) { page[3] = 1 },
		"a page whose cells begin too late": func(page []byte) { page[5] = 1 },
		"cells within the reserved bytes":   func(page []byte) { page[6] = 62 },
	} {
		page := tablePage()
		copy(page[20:], "something")
		change(page)
		if got := zeroed(page, 2, 8); !bytes.Equal(got, page) {
			t.Errorf("%s was changed to %q", name, got)
		}
	}
	for n := range 20 {
		gap(make([]byte, n), 1, 0) // no panic
	}
}
