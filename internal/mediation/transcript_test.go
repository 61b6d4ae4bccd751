package mediation_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/risposta/gateway/metering/recordtest"
)

var rewrite = flag.Bool("rewrite", false, "write the outputs of testdata/calls anew")

// Each file of testdata/calls is the story of some calls, see testdata/calls/README.md. The verbs
// are explained in story_test.go.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/calls/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			s := newStory(t)
			runTranscript(t, path, s.run)
			for _, rec := range s.out.Records {
				recordtest.Validate(t, rec.JSON())
			}
			s.checkReplay()
			if n := s.mediator.Size(); n != s.left {
				t.Errorf("%d things are left in memory, want %d", n, s.left)
			}
		})
	}
}

// runTranscript plays a file of blocks, and compares what each gives with what it says. A block is
// comments, command lines, a line of four dashes, and the output up to an empty line.
func runTranscript(t *testing.T, path string, run func(command string) string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	for block := range strings.SplitSeq(strings.TrimSpace(string(text)), "\n\n") {
		input, want, ok := strings.Cut(block, "\n----")
		if !ok {
			t.Fatalf("%s: no line of dashes in\n%s", path, block)
		}
		var output strings.Builder
		for line := range strings.Lines(input) {
			if line = strings.TrimSpace(line); !strings.HasPrefix(line, "#") {
				output.WriteString(run(line))
			}
		}
		got := output.String()
		if got == "" {
			got = "ok\n"
		}
		if want = strings.TrimPrefix(want, "\n") + "\n"; got != want && !*rewrite {
			t.Errorf("%s\n----\n%swant\n%s", input, got, want)
		}
		blocks = append(blocks, input+"\n----\n"+got)
	}
	if *rewrite {
		if err := os.WriteFile(path, []byte(strings.Join(blocks, "\n")), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
