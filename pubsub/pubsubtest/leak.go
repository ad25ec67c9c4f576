package pubsubtest

import (
	"context"
	"fmt"
	"runtime/pprof"
	"strings"
	"testing"
	"time"
)

func nothingIsLeftRunning(t *testing.T, connect Connect) {
	life := func(t *testing.T) {
		nodes := start(t, connect, 2)
		acquaint(t, nodes)
	}
	pprof.Do(t.Context(), pprof.Labels(leakLabel, t.Name()), func(context.Context) {
		t.Run("once", life) // what lives as long as the process is there from now on
		before, _ := labeled(t)
		for range 3 {
			t.Run("again", life)
		}
		for deadline := time.Now().Add(patience / 2); ; time.Sleep(10 * time.Millisecond) {
			now, stacks := labeled(t)
			if now <= before {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("%d goroutines more than before three networks started and stopped:\n%s", now-before, stacks)
			}
		}
	})
}

// leakLabel marks the goroutines of a test, and all that they start: other
// tests may run at the same time.
const leakLabel = "pubsubtest"

// labeled returns how many goroutines have the label of this test, and what
// they are at.
func labeled(t *testing.T) (n int, stacks string) {
	t.Helper()
	var profile strings.Builder
	if err := pprof.Lookup("goroutine").WriteTo(&profile, 1); err != nil {
		t.Fatal(err)
	}
	_, groups, _ := strings.Cut(profile.String(), "\n") // the total
	for group := range strings.SplitSeq(groups, "\n\n") {
		if strings.Contains(group, fmt.Sprintf("%q:%q", leakLabel, t.Name())) {
			var of int
			if _, err := fmt.Sscan(group, &of); err != nil {
				t.Fatalf("a group of goroutines has no number: %.80q", group)
			}
			n += of
			stacks += group + "\n\n"
		}
	}
	if n == 0 {
		t.Fatal("not even this goroutine is found")
	}
	return n, stacks
}
