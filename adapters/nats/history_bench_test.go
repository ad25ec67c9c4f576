package nats

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/roost-dev/roost/history"
	"github.com/roost-dev/roost/pubsub"
)

// BenchmarkHistory is what a log costs: on a server, and on three embedded
// nodes.
func BenchmarkHistory(b *testing.B) {
	keep := history.Keep{Topics: []string{"*"}, Count: 1 << 20}
	b.Run("server", func(b *testing.B) {
		dir := b.TempDir()
		e := startEngine(b, "-js", "-sd", dir)
		a := New(e.url(), nil)
		log := openLog(b, a, newRules(b, keep), hooks{})
		benchmarkLog(b, a, log, dir)
	})
	b.Run("embedded", func(b *testing.B) {
		k := startKeepers(b, keep)
		benchmarkLog(b, k.nodes[0], k.logs[0], k.dirs[0])
	})
}

func benchmarkLog(b *testing.B, a pubsub.Adapter, log history.Log, dir string) {
	e := history.Event{Name: "new_msg", Payload: make([]byte, 100), Binary: true}
	add := func(b *testing.B, topic string) {
		b.Helper()
		if _, err := log.Append(context.Background(), topic, e); err != nil {
			b.Fatal(err)
		}
	}
	a.Interest(pubsub.TopicSubject("wanted"), true)
	settleNow(b, a)
	for _, topic := range []string{"wanted", "not wanted"} {
		add(b, topic)
		b.Run("append, "+topic, func(b *testing.B) {
			for b.Loop() {
				add(b, topic)
			}
		})
		b.Run("append at once, "+topic, func(b *testing.B) {
			b.SetParallelism(64)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					add(b, topic)
				}
			})
		})
	}
	b.Run("read 100", func(b *testing.B) {
		for range 100 {
			add(b, "read")
		}
		for b.Loop() {
			if page, err := log.Read(context.Background(), "read", history.Position{}, 100); err != nil || len(page.Entries) != 100 {
				b.Fatal(len(page.Entries), err)
			}
		}
	})
	b.Run("bytes", func(b *testing.B) {
		const events = 1000
		for b.Loop() {
			before := bytesIn(b, dir)
			for range events {
				add(b, "wanted")
			}
			b.ReportMetric(float64(bytesIn(b, dir)-before)/events, "B/event")
		}
	})
}

func bytesIn(b *testing.B, dir string) (size int64) {
	b.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".blk" {
			return err
		}
		info, err := d.Info()
		if err == nil {
			size += info.Size()
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return size
}
