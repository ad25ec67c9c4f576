package redis

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/pubsub/pubsubtest"
)

// connectTo gives each test of the suite a prefix of its own.
func connectTo(url string) pubsubtest.Connect {
	var networks atomic.Int64
	return func(t *testing.T, nodes int) []pubsub.Adapter {
		prefix := fmt.Sprintf("suite %d:", networks.Add(1))
		adapters := make([]pubsub.Adapter, nodes)
		for i := range adapters {
			a, err := New(url, &Options{Prefix: prefix})
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
			pubsubtest.Run(t, connectTo(startEngine(t, p).url()))
		})
		t.Run(p.name+" cluster", func(t *testing.T) {
			pubsubtest.Run(t, connectTo(startCluster(t, p, 3, 0).url()))
		})
	}
}
