package redis

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/pubsub/pubsubtest"
)

// connectTo gives each test of the suite a prefix of its own.
func connectTo(url string, opts Options) pubsubtest.Connect {
	var networks atomic.Int64
	return func(t *testing.T, nodes int) []pubsub.Adapter {
		opts := opts
		opts.Prefix = fmt.Sprintf("suite %d:", networks.Add(1))
		adapters := make([]pubsub.Adapter, nodes)
		for i := range adapters {
			a, err := New(url, &opts)
			if err != nil {
				t.Fatal(err)
			}
			adapters[i] = a
		}
		return adapters
	}
}

func TestSuite(t *testing.T) {
	for _, p := range programs() {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			pubsubtest.Run(t, connectTo(startEngine(t, p).url(), Options{}))
		})
		t.Run(p.name+" cluster", func(t *testing.T) {
			t.Parallel()
			pubsubtest.Run(t, connectTo(startCluster(t, p, 3, 0).url(), Options{}))
		})
	}
}

func TestSuiteOfRestarts(t *testing.T) {
	const buffer = 128 << 10
	for _, p := range programs() {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			e := startEngine(t, p)
			pubsubtest.RunRestart(t, pubsubtest.Restartable{
				Connect: connectTo(e.url(), Options{Buffer: buffer}),
				Stop:    func(*testing.T) { e.kill() },
				Start:   func(*testing.T) { e.start() },
				Buffer:  buffer,
			})
		})
		t.Run(p.name+" cluster", func(t *testing.T) {
			t.Parallel()
			all := startCluster(t, p, 3, 0)
			pubsubtest.RunRestart(t, pubsubtest.Restartable{
				Connect: connectTo(all.url(), Options{Buffer: buffer}),
				Stop:    func(*testing.T) { all.each((*engine).kill) },
				Start: func(*testing.T) {
					all.each((*engine).start)
					all.wait(len(all))
				},
				Buffer: buffer,
			})
		})
	}
}
