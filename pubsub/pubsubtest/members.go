package pubsubtest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/roost-dev/roost/internal/cluster"
	"github.com/roost-dev/roost/pubsub"
)

// introduction is how long nodes of one network may take to know each other.
const introduction = 2 * time.Second

func nodesFindEachOther(t *testing.T, connect Connect) {
	adapters := connect(t, 3)
	began := time.Now()
	nodes := begin(t, adapters)
	for i, ps := range nodes {
		eventually(t, introduction-time.Since(began), "nodes know each other", func() bool { return len(ps.Info().Members) == 2 })
		info := ps.Info()
		if info.Node != fmt.Sprint("node ", i) || info.ID == "" || info.Conflicts != nil || info.Engine.State != pubsub.StateUp {
			t.Errorf("node %d says of itself %+v", i, info)
		}
		for _, m := range info.Members {
			if m.Name == info.Node || m.ID == info.ID || m.ID == "" || m.Leaving {
				t.Errorf("node %d knows %+v", i, m)
			}
		}
	}
	shut(t, nodes[2])
	for _, ps := range nodes[:2] {
		eventually(t, introduction, "a node that closed is gone", func() bool { return len(ps.Info().Members) == 1 })
	}
}

func nodesCallEachOther(t *testing.T, connect Connect) {
	nodes := start(t, connect, 3)
	acquaint(t, nodes)
	for i, ps := range nodes {
		ps.Cluster().Serve("echo", func(_ context.Context, _ cluster.ID, body []byte) ([]byte, error) {
			return fmt.Appendf(nil, "%d: %s", i, body), nil
		})
		ps.Cluster().Serve("hang", func(ctx context.Context, _ cluster.ID, _ []byte) ([]byte, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var wg sync.WaitGroup
	for i, ps := range nodes {
		for k, other := range nodes {
			for n := range 20 {
				if i == k {
					continue
				}
				wg.Go(func() {
					got, err := ps.Cluster().Call(ctx, other.Cluster().Self().ID, "echo", fmt.Append(nil, n))
					if want := fmt.Sprintf("%d: %d", k, n); err != nil || string(got) != want {
						t.Errorf("node %d answered %q (%v), want %q", k, got, err, want)
					}
				})
			}
		}
	}
	wg.Wait()
	if answers := nodes[0].Cluster().Gather(ctx, "echo", nil); len(answers) != 2 || answers[0].Err != nil || answers[1].Err != nil {
		t.Errorf("gathered %+v", answers)
	}
	last := nodes[2].Cluster().Self().ID
	wg.Go(func() {
		if _, err := nodes[0].Cluster().Call(ctx, last, "hang", nil); !errors.Is(err, cluster.ErrGone) {
			t.Errorf("a call to a node that closed: %v", err)
		}
	})
	shut(t, nodes[2])
	wg.Wait()
}

func nodesSendEachOtherMessages(t *testing.T, connect Connect) {
	const n = 100
	nodes := start(t, connect, 3)
	received := make([]*recorder[string], len(nodes))
	for i, ps := range nodes {
		received[i] = newRecorder[string]()
		ps.Cluster().Handle("test", func(_ cluster.ID, body []byte) { received[i].add(string(body)) })
		ps.Cluster().Interest("x:1", i > 0)
		ps.Cluster().Interest("x:2", i > 1)
	}
	acquaint(t, nodes)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for i, ps := range nodes {
		if err := ps.Ping(ctx); err != nil {
			t.Fatalf("node %d: %v", i, err)
		}
	}
	from := nodes[0].Cluster()
	for i := range n {
		for _, err := range []error{
			from.Publish(ctx, "x:2", "test", fmt.Append(nil, "to the last ", i)),
			from.Publish(ctx, "x:1", "test", fmt.Append(nil, "to both ", i)),
			from.Send(ctx, nodes[1].Cluster().Self().ID, "test", fmt.Append(nil, "to one ", i)),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	for i, kinds := range map[int][]string{1: {"to both", "to one"}, 2: {"to both", "to the last"}} {
		next := make(map[string]int)
		for range n * len(kinds) {
			body := received[i].next(t)
			var kind string
			for _, k := range kinds {
				if body == fmt.Sprint(k, " ", next[k]) {
					kind = k
				}
			}
			if kind == "" {
				t.Fatalf("node %d got %q after %v", i, body, next)
			}
			next[kind]++
		}
	}
}
