//go:build live

package faultfs_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/risposta/gateway/integration/faultfs"
)

// mountHere names the folder that a process of the test mounts at, until it is killed.
const mountHere = "FAULTFS_TEST_MOUNT"

func TestMain(m *testing.M) {
	at := os.Getenv(mountHere)
	if at == "" {
		os.Exit(m.Run())
	}
	if _, err := faultfs.Mount(filepath.Dir(at), at); err != nil {
		panic(err)
	}
	if _, err := os.Stdout.WriteString("mounted\n"); err != nil {
		panic(err)
	}
	select {}
}

func mounted(t *testing.T, at string) bool {
	t.Helper()
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(text), " "+at+" ")
}

// What a killed process has mounted is removed; what a living one has is not.
func TestLiveStaleMountsAreRemoved(t *testing.T) {
	folder := func(name string) string {
		at := filepath.Join(t.TempDir(), name)
		if err := os.Mkdir(at, 0o700); err != nil {
			t.Fatal(err)
		}
		return at
	}
	dead, alive := folder("dead"), folder("alive")
	own, err := faultfs.Mount(filepath.Dir(alive), alive)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := own.Unmount(); err != nil {
			t.Error(err)
		}
	})
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), mountHere+"="+dead)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "mounted\n" {
		t.Fatalf("the process has not mounted: %q, %v", line, err)
	}
	removed, err := faultfs.RemoveStale()
	if err != nil || slices.Contains(removed, dead) || !mounted(t, dead) {
		t.Errorf("while its process lives: removed %q, %v", removed, err)
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // killed
	if !mounted(t, dead) {
		t.Fatal("nothing is left of a killed process: this test shows nothing")
	}
	removed, err = faultfs.RemoveStale()
	if err != nil || !slices.Contains(removed, dead) || mounted(t, dead) || !mounted(t, alive) {
		t.Errorf("removed %q, %v; want %s, and %s left", removed, err, dead, alive)
	}
}
