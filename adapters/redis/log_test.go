package redis

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/roost-dev/roost/history"
	"github.com/roost-dev/roost/history/historytest"
	"github.com/roost-dev/roost/pubsub"
)

// logNode is a node with a log.
type logNode struct {
	*node
	pubsub.EngineLog
}

// newRules makes rules that must be right.
func newRules(t testing.TB, keeps ...history.Keep) *history.Rules {
	t.Helper()
	rules, err := history.NewRules(keeps)
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

// startLog starts a node with a log, and waits until it is connected.
func startLog(t testing.TB, url string, opts *Options, keeps ...history.Keep) *logNode {
	t.Helper()
	a, err := New(url, opts)
	if err != nil {
		t.Fatal(err)
	}
	log, err := a.OpenLog(newRules(t, keeps...))
	if err != nil {
		t.Fatal(err)
	}
	n := &logNode{&node{Adapter: a, t: t, got: make(map[string][]string)}, log}
	if err := a.Start(n); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.shut)
	n.awaitState(pubsub.StateUp)
	return n
}

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
