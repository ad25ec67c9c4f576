package main

import (
	"encoding/json/v2"
	"math"
	"testing"
)

// What little there is of each load says nothing about cost; messages are counted exactly all the same.
func TestAClusterIsMeasured(t *testing.T) {
	roost, server := programs(t)
	out, said, err := roostBench(t, roost, "cluster", "-json", "-exec", server, "-admin", "/admin", "-nodes", "0,1,3", "-rounds", "1",
		"-settle", "200ms", "-idle", "1200ms", "-warmup", "50ms", "-duration", "500ms", "-topics", "6", "-subscribers", "6", "-rate", "1000",
		"-wanted", "2000", "-rooms", "3", "-users", "30")
	if err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	var sizes []struct {
		Nodes   int                `json:"nodes"`
		Figures map[string]float64 `json:"figures"`
		Times   map[string]float64 `json:"times_one_node"`
	}
	if err := json.Unmarshal(out, &sizes); err != nil || len(sizes) != 3 {
		t.Fatalf("%v: %s", err, out)
	}
	for _, s := range sizes {
		f := s.Figures
		for _, name := range []string{"local_cpu_seconds_per_million", "spread_cpu_seconds_per_million", "topic_heap_bytes_there"} {
			if f[name] <= 0 || s.Times[name] <= 0 {
				t.Errorf("%d nodes: %s is not measured: %s", s.Nodes, name, out)
			}
		}
		spread := float64(max(1, s.Nodes) - 1)
		if math.Abs(f["spread_messages_per_broadcast"]-spread) > 0.3 || math.Abs(f["local_messages_per_broadcast"]) > 0.3 {
			t.Errorf("%d nodes: a broadcast took %.2f messages to subscribers on all nodes and %.2f to those on one, want %g and 0",
				s.Nodes, f["spread_messages_per_broadcast"], f["local_messages_per_broadcast"], spread)
		}
		if several := s.Nodes > 1; several != (f["idle_messages_per_second"] > 0) || several != (f["topic_heap_bytes_elsewhere"] > 0) ||
			several != (f["presence_bytes"] > 0) {
			t.Errorf("%d nodes: %s", s.Nodes, out)
		}
	}
}
