package historytest_test

import (
	"testing"

	"github.com/roost-dev/roost/history"
	"github.com/roost-dev/roost/history/historytest"
)

func TestMemory(t *testing.T) {
	historytest.Run(t, func(t *testing.T, keeps []history.Keep) []history.Log {
		t.Helper()
		rules, err := history.NewRules(keeps)
		if err != nil {
			t.Fatal(err)
		}
		log := history.NewMemory(rules, &history.MemoryOptions{Bytes: 256 << 20})
		return []history.Log{log}
	})
}
