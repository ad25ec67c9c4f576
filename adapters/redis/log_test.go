package redis

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/roost-dev/roost/history"
	"github.com/roost-dev/roost/history/historytest"
)

// logsAt gives each test of the suite three handles, with a prefix of their own.
func logsAt(url string) historytest.Make {
	var tests atomic.Int64
	return func(t *testing.T, keeps []history.Keep) []history.Log {
		t.Helper()
		opts := &Options{Prefix: fmt.Sprintf("log %d:", tests.Add(1))}
		var logs []history.Log
		for range 3 {
			logs = append(logs, startLog(t, url, opts, keeps...))
		}
		return logs
	}
}

func TestLogSuite(t *testing.T) {
	for _, p := range programs() {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			historytest.Run(t, logsAt(startEngine(t, p).url()))
		})
		t.Run(p.name+" cluster", func(t *testing.T) {
			t.Parallel()
			historytest.Run(t, logsAt(startCluster(t, p, 3, 0).url()))
		})
	}
}
