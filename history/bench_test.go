package history_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/roost-dev/roost/history"
)

func BenchmarkAppend(b *testing.B) {
	for _, sender := range []string{"", "session"} {
		b.Run(fmt.Sprintf("sender %q", sender), func(b *testing.B) {
			m := history.NewMemory(newRules(b, history.Keep{Topics: []string{"room"}}), nil)
			e := history.Event{Name: "said", Payload: make([]byte, 100), Sender: sender}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := m.Append(b.Context(), "room", e); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// Each event is of another name and sender than the one before it.
func BenchmarkAppendUnlike(b *testing.B) {
	m := history.NewMemory(newRules(b, history.Keep{Topics: []string{"*"}}), nil)
	var events [64]history.Event
	for i := range events {
		events[i] = history.Event{Name: fmt.Sprint("event ", i%8), Payload: make([]byte, 100), Sender: fmt.Sprint("session ", i)}
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i++
		if _, err := m.Append(b.Context(), "room", events[i%len(events)]); err != nil {
			b.Fatal(err)
		}
	}
}

// All topics together have more than fits, so each event drops something.
func BenchmarkAppendAtTheBound(b *testing.B) {
	m := history.NewMemory(newRules(b, history.Keep{Topics: []string{"*"}}), &history.MemoryOptions{Bytes: 4 << 20})
	topics := make([]string, 20_000)
	for i := range topics {
		topics[i] = fmt.Sprint("room:", i)
	}
	e := said(100)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i++
		if _, err := m.Append(b.Context(), topics[i%len(topics)], e); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendParallel(b *testing.B) {
	for _, topics := range []int{1, 1000} {
		b.Run(fmt.Sprint("topics ", topics), func(b *testing.B) {
			m := history.NewMemory(newRules(b, history.Keep{Topics: []string{"*"}}), nil)
			names := make([]string, topics)
			for i := range names {
				names[i] = fmt.Sprint("room:", i)
			}
			var goroutines atomic.Uint64
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				e := said(100)
				for i := goroutines.Add(1) * 7919; pb.Next(); i++ {
					if _, err := m.Append(b.Context(), names[i%uint64(topics)], e); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

func BenchmarkReadMissed(b *testing.B) {
	for _, missed := range []int{0, 100} {
		b.Run(fmt.Sprint(missed, " of 1000"), func(b *testing.B) {
			m := history.NewMemory(newRules(b, history.Keep{Topics: []string{"*"}}), nil)
			var entries []history.Entry
			for range 1000 {
				entries = append(entries, appendTo(b, m, "room", said(100)))
			}
			b.ReportAllocs()
			for b.Loop() {
				page, err := m.Read(b.Context(), "room", entries[999-missed].Position, 100)
				if err != nil || len(page.Entries) != missed {
					b.Fatal(len(page.Entries), err)
				}
			}
		})
	}
}

func BenchmarkFor(b *testing.B) {
	for _, c := range []struct {
		name  string
		rules *history.Rules
		topic string
	}{
		{"no rules", nil, "videos:7"},
		{"other topics", newRules(b, history.Keep{Topics: []string{"lobby", "chat:*", "room:*"}}), "videos:7"},
		{"a topic", newRules(b, history.Keep{Topics: []string{"lobby", "chat:*"}}), "lobby"},
		{"a prefix", newRules(b, history.Keep{Topics: []string{"lobby", "videos:*"}}), "videos:7"},
		{"an event", newRules(b, history.Keep{Topics: []string{"videos:*"}, Events: []string{"said", "drawn"}}), "videos:7"},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.rules.For(c.topic, "said")
			}
		})
	}
}
