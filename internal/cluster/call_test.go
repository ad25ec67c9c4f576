package cluster_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost/internal/cluster"
	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/pubsub/pubsubtest"
)

// outcome is what a call returned, and when.
type outcome struct {
	body []byte
	err  error
	took time.Duration
}

// calling makes a call on a goroutine of its own.
func calling(ctx context.Context, from *node, to cluster.ID, service, body string) <-chan outcome {
	done := make(chan outcome, 1)
	began := time.Now()
	go func() {
		b, err := from.Call(ctx, to, service, []byte(body))
		done <- outcome{b, err, time.Since(began)}
	}()
	return done
}

// hang answers no call before its end, which it notes.
func hang(ended *atomic.Int64) cluster.Function {
	return func(ctx context.Context, _ cluster.ID, _ []byte) ([]byte, error) {
		<-ctx.Done()
		ended.Add(1)
		return nil, ctx.Err()
	}
}

func TestACallIsAnswered(t *testing.T) {
	inCluster(t, 2, func(t *testing.T, _ *pubsubtest.Bus, nodes []*node) {
		a, b := nodes[0], nodes[1]
		b.Serve("echo", func(_ context.Context, from cluster.ID, body []byte) ([]byte, error) {
			return fmt.Appendf(nil, "%s to %s", body, from), nil
		})
		b.Serve("fail", func(context.Context, cluster.ID, []byte) ([]byte, error) { return nil, errors.New("not today") })
		b.Serve("panic", func(context.Context, cluster.ID, []byte) ([]byte, error) { panic("a secret") })
		b.Serve("flood", func(context.Context, cluster.ID, []byte) ([]byte, error) { return make([]byte, 2<<20), nil })
		got, err := a.Call(t.Context(), b.Self().ID, "echo", []byte("hello"))
		if want := "hello to " + string(a.Self().ID); err != nil || string(got) != want {
			t.Errorf("got %q (%v), want %q", got, err, want)
		}
		for service, want := range map[string]string{"fail": "not today", "panic": "panic", "flood": pubsub.ErrTooLarge.Error()} {
			var failure *cluster.Failure
			if _, err := a.Call(t.Context(), b.Self().ID, service, nil); !errors.As(err, &failure) || failure.Reason != want {
				t.Errorf("%s: %v, want the failure %q", service, err, want)
			}
		}
		b.Unserve("echo")
		if _, err := a.Call(t.Context(), b.Self().ID, "echo", nil); !errors.Is(err, cluster.ErrNoService) || !strings.Contains(err.Error(), "echo") {
			t.Errorf("a service that has ended: %v", err)
		}
		if _, err := a.Call(t.Context(), a.Self().ID, "echo", nil); err == nil {
			t.Error("a node calls itself")
		}
	})
}

func TestManyCallsAtATimeGetTheirOwnAnswers(t *testing.T) {
	inCluster(t, 3, func(t *testing.T, bus *pubsubtest.Bus, nodes []*node) {
		bus.SetLinks(pubsubtest.Link{Jitter: time.Second, Reorder: true, Repeat: 0.5})
		for _, n := range nodes {
			n.Serve("echo", func(_ context.Context, _ cluster.ID, body []byte) ([]byte, error) {
				return fmt.Appendf(nil, "%s: %s", n.Self().Name, body), nil
			})
		}
		var all sync.WaitGroup
		for i := range 300 {
			from, to := nodes[i%3], nodes[(i+1)%3]
			all.Go(func() {
				got, err := from.Call(t.Context(), to.Self().ID, "echo", fmt.Append(nil, i))
				if want := fmt.Sprintf("%s: %d", to.Self().Name, i); err != nil || string(got) != want {
					t.Errorf("got %q (%v), want %q", got, err, want)
				}
			})
		}
		all.Wait()
	})
}

func TestWhoGivesUpACallEndsItsFunction(t *testing.T) {
	inCluster(t, 2, func(t *testing.T, _ *pubsubtest.Bus, nodes []*node) {
		a, b := nodes[0], nodes[1]
		var ended atomic.Int64
		b.Serve("hang", hang(&ended))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		o := <-calling(ctx, a, b.Self().ID, "hang", "")
		if !errors.Is(o.err, context.DeadlineExceeded) || o.took != time.Second {
			t.Errorf("a call of a second: %v after %v", o.err, o.took)
		}
		synctest.Wait()
		if ended.Load() != 1 {
			t.Error("the function goes on")
		}
	})
}

func TestCallsToANodeThatEndsFail(t *testing.T) {
	for name, tc := range map[string]struct {
		end   func(t *testing.T, b *node)
		least time.Duration
		most  time.Duration
	}{
		"goodbye": {func(t *testing.T, b *node) { _ = b.Close(t.Context()) }, 0, 0},
		"goodbye with a grace": {func(t *testing.T, b *node) {
			_ = b.Leave(t.Context(), time.Minute)
			_ = b.Close(t.Context())
		}, 0, 0},
		"crash": {func(t *testing.T, b *node) { b.crash(t) }, lease - period, lease + period},
	} {
		t.Run(name, func(t *testing.T) {
			inCluster(t, 3, func(t *testing.T, _ *pubsubtest.Bus, nodes []*node) {
				a, b, c := nodes[0], nodes[1], nodes[2]
				var ended, endedOnC atomic.Int64
				b.Serve("hang", hang(&ended))
				c.Serve("hang", hang(&endedOnC))
				lost := calling(t.Context(), a, b.Self().ID, "hang", "")
				fromIt := calling(t.Context(), b, c.Self().ID, "hang", "")
				other := calling(t.Context(), a, c.Self().ID, "hang", "")
				synctest.Wait()
				tc.end(t, b)
				if o := <-lost; !errors.Is(o.err, cluster.ErrGone) || o.took < tc.least || o.took > tc.most {
					t.Errorf("a call to the node: %v after %v", o.err, o.took)
				}
				time.Sleep(period)
				synctest.Wait()
				if endedOnC.Load() != 1 {
					t.Errorf("%d functions ended elsewhere, want the one that the node asked for", endedOnC.Load())
				}
				if len(other) != 0 {
					t.Errorf("a call to another node ended: %v", (<-other).err)
				}
				if o := <-calling(t.Context(), a, b.Self().ID, "hang", ""); !errors.Is(o.err, cluster.ErrGone) || o.took > 0 {
					t.Errorf("a later call: %v after %v", o.err, o.took)
				}
				_ = c.Close(t.Context())
				<-other
				_ = b.Close(t.Context())
				<-fromIt
			})
		})
	}
}

func TestACallToAnUnknownNodeFailsAtOnceButForAStart(t *testing.T) {
	inCluster(t, 1, func(t *testing.T, bus *pubsubtest.Bus, nodes []*node) {
		if o := <-calling(t.Context(), nodes[0], "nobody", "echo", ""); !errors.Is(o.err, cluster.ErrGone) || o.took > 0 {
			t.Errorf("a node that is at it for long: %v after %v", o.err, o.took)
		}
		young := join(t, bus, "young")
		if o := <-calling(t.Context(), young, "nobody", "echo", ""); !errors.Is(o.err, cluster.ErrGone) || o.took != time.Second {
			t.Errorf("a young node: %v after %v, want a second", o.err, o.took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if o := <-calling(ctx, young, "nobody", "echo", ""); !errors.Is(o.err, context.DeadlineExceeded) {
			t.Errorf("an impatient caller: %v", o.err)
		}
	})
}

func TestAYoungNodeWaitsUntilItHearsWhomItCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var bus pubsubtest.Bus
		bus.SetLinks(pubsubtest.Link{Delay: 100 * time.Millisecond})
		a, b := join(t, &bus, "a"), join(t, &bus, "b")
		b.Serve("echo", func(_ context.Context, _ cluster.ID, body []byte) ([]byte, error) { return body, nil })
		if o := <-calling(t.Context(), a, b.Self().ID, "echo", "hello"); o.err != nil || string(o.body) != "hello" {
			t.Errorf("got %q (%v)", o.body, o.err)
		}
	})
}

func TestOnlyWhoWasAskedMayAnswer(t *testing.T) {
	inCluster(t, 3, func(t *testing.T, _ *pubsubtest.Bus, nodes []*node) {
		a, b, c := nodes[0], nodes[1], nodes[2]
		answer := make(chan struct{})
		b.Serve("slow", func(context.Context, cluster.ID, []byte) ([]byte, error) {
			<-answer
			return []byte("true"), nil
		})
		done := calling(t.Context(), a, b.Self().ID, "slow", "")
		synctest.Wait()
		for number := range uint64(10) {
			e := &pubsub.Envelope{Subject: "n:" + string(a.Self().ID), Payload: cluster.AnswerFrame(c.Self().ID, number, []byte("forged"))}
			if err := c.engine.Publish(t.Context(), e); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		close(answer)
		if o := <-done; o.err != nil || string(o.body) != "true" {
			t.Errorf("got %q (%v)", o.body, o.err)
		}
	})
}

func TestACallThatArrivesTwiceIsAnsweredOnce(t *testing.T) {
	inCluster(t, 2, func(t *testing.T, bus *pubsubtest.Bus, nodes []*node) {
		bus.SetLinks(pubsubtest.Link{Repeat: 1})
		var served atomic.Int64
		nodes[1].Serve("slow", func(context.Context, cluster.ID, []byte) ([]byte, error) {
			served.Add(1)
			time.Sleep(time.Second)
			return nil, nil
		})
		if o := <-calling(t.Context(), nodes[0], nodes[1].Self().ID, "slow", ""); o.err != nil {
			t.Error(o.err)
		}
		if n := served.Load(); n != 1 {
			t.Errorf("the function ran %d times", n)
		}
	})
}

func TestTheNumberOfCallsBeingAnsweredIsBounded(t *testing.T) {
	inCluster(t, 2, func(t *testing.T, _ *pubsubtest.Bus, nodes []*node) {
		a, b := nodes[0], nodes[1]
		release := make(chan struct{})
		b.Serve("slow", func(context.Context, cluster.ID, []byte) ([]byte, error) {
			<-release
			return nil, nil
		})
		calls := make([]<-chan outcome, cluster.MaxServing)
		for i := range calls {
			calls[i] = calling(t.Context(), a, b.Self().ID, "slow", "")
		}
		synctest.Wait()
		var failure *cluster.Failure
		if o := <-calling(t.Context(), a, b.Self().ID, "slow", ""); !errors.As(o.err, &failure) || failure.Reason != "busy" {
			t.Errorf("one call more: %v", o.err)
		}
		close(release)
		for _, done := range calls {
			if o := <-done; o.err != nil {
				t.Fatal(o.err)
			}
		}
		if o := <-calling(t.Context(), a, b.Self().ID, "slow", ""); o.err != nil {
			t.Errorf("later: %v", o.err)
		}
	})
}

func TestGatherHasAnAnswerOfEachAndMarksWhatIsMissing(t *testing.T) {
	inCluster(t, 4, func(t *testing.T, _ *pubsubtest.Bus, nodes []*node) {
		var ended atomic.Int64
		nodes[1].Serve("count", func(context.Context, cluster.ID, []byte) ([]byte, error) { return []byte("7"), nil })
		nodes[2].Serve("count", hang(&ended))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		answers := nodes[0].Gather(ctx, "count", nil)
		if took := time.Since(began); took != time.Second || len(answers) != 3 {
			t.Fatalf("%d answers after %v, want 3 after a second", len(answers), took)
		}
		for i, want := range []struct {
			name string
			body string
			err  error
		}{{"b", "7", nil}, {"c", "", context.DeadlineExceeded}, {"d", "", cluster.ErrNoService}} {
			if a := answers[i]; a.Member.Name != want.name || string(a.Body) != want.body || !errors.Is(a.Err, want.err) {
				t.Errorf("answer %d is %+v, want %+v", i, a, want)
			}
		}
	})
}

func TestTheEnginesErrorIsTheCalls(t *testing.T) {
	inCluster(t, 2, func(t *testing.T, bus *pubsubtest.Bus, nodes []*node) {
		a, b := nodes[0], nodes[1]
		if _, err := a.Call(t.Context(), b.Self().ID, "echo", make([]byte, 2<<20)); !errors.Is(err, pubsub.ErrTooLarge) {
			t.Errorf("too large: %v", err)
		}
		bus.EngineAway()
		_ = a.engine.Publish(t.Context(), &pubsub.Envelope{Payload: make([]byte, 1<<20-1000)})
		if _, err := a.Call(t.Context(), b.Self().ID, "echo", make([]byte, 2000)); !errors.Is(err, pubsub.ErrUnavailable) {
			t.Errorf("the engine is away and the buffer full: %v", err)
		}
	})
}

func TestCloseEndsWhatIsUnderWay(t *testing.T) {
	inCluster(t, 2, func(t *testing.T, _ *pubsubtest.Bus, nodes []*node) {
		a, b := nodes[0], nodes[1]
		var ended atomic.Int64
		a.Serve("hang", hang(&ended))
		b.Serve("hang", hang(&ended))
		made, asked := calling(t.Context(), a, b.Self().ID, "hang", ""), calling(t.Context(), b, a.Self().ID, "hang", "")
		synctest.Wait()
		if err := a.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if o := <-made; !errors.Is(o.err, cluster.ErrClosed) {
			t.Errorf("a call of the closed node: %v", o.err)
		}
		if o := <-asked; !errors.Is(o.err, cluster.ErrGone) {
			t.Errorf("a call to the closed node: %v", o.err)
		}
		synctest.Wait()
		if ended.Load() != 2 {
			t.Errorf("%d of 2 functions have ended", ended.Load())
		}
		if _, err := a.Call(t.Context(), b.Self().ID, "hang", nil); !errors.Is(err, cluster.ErrClosed) {
			t.Errorf("a call after Close: %v", err)
		}
		if err := a.Close(t.Context()); err != nil {
			t.Errorf("closing again: %v", err)
		}
	})
}

func TestCloseWaitsForFunctionsAsLongAsItMay(t *testing.T) {
	inCluster(t, 2, func(t *testing.T, _ *pubsubtest.Bus, nodes []*node) {
		a, b := nodes[0], nodes[1]
		release := make(chan struct{})
		b.Serve("stubborn", func(context.Context, cluster.ID, []byte) ([]byte, error) {
			<-release
			return nil, nil
		})
		done := calling(t.Context(), a, b.Self().ID, "stubborn", "")
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := b.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Close with a function that goes on: %v", err)
		}
		if o := <-done; !errors.Is(o.err, cluster.ErrGone) || o.took > 0 {
			t.Errorf("the caller: %v after %v", o.err, o.took)
		}
		close(release)
	})
}

func TestAServiceIsNamedOnce(t *testing.T) {
	for what, name := range map[string]func(n *node){
		"Serve": func(n *node) {
			n.Serve("s", func(context.Context, cluster.ID, []byte) ([]byte, error) { return nil, nil })
		},
		"Handle": func(n *node) { n.Handle("s", func(cluster.ID, []byte) {}) },
	} {
		inCluster(t, 1, func(t *testing.T, _ *pubsubtest.Bus, nodes []*node) {
			defer func() {
				if p := recover(); p == nil || !strings.Contains(fmt.Sprint(p), `"s"`) {
					t.Errorf("%s twice: %v", what, p)
				}
			}()
			name(nodes[0])
			name(nodes[0])
		})
	}
}

func TestMessagesReachTheServiceOfThoseThatAreMeant(t *testing.T) {
	inCluster(t, 3, func(t *testing.T, _ *pubsubtest.Bus, nodes []*node) {
		a, b, c := nodes[0], nodes[1], nodes[2]
		got := make(map[string][]string) // by node
		var mu sync.Mutex
		for _, n := range nodes {
			n.Handle("chat", func(from cluster.ID, body []byte) {
				if from != a.Self().ID {
					t.Errorf("came from %s", from)
				}
				mu.Lock()
				defer mu.Unlock()
				got[n.Self().Name] = append(got[n.Self().Name], string(bytes.Clone(body)))
			})
		}
		check := func(what string, onB, onC []string) {
			t.Helper()
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			if !slices.Equal(got["b"], onB) || !slices.Equal(got["c"], onC) || got["a"] != nil {
				t.Errorf("%s: got %v", what, got)
			}
			clear(got)
		}
		send := func(err error) {
			t.Helper()
			if err != nil {
				t.Error(err)
			}
		}
		a.Interest("topic", true)
		b.Interest("topic", true)
		send(a.Publish(t.Context(), "topic", "chat", []byte("1")))
		send(a.Publish(t.Context(), "topic", "chat", []byte("2")))
		send(a.Publish(t.Context(), "topic", "another release's", []byte("3")))
		check("to who wants a subject", []string{"1", "2"}, nil)
		send(a.Send(t.Context(), c.Self().ID, "chat", []byte("4")))
		check("to one node", nil, []string{"4"})
		b.Unhandle("chat")
		b.Interest("topic", false)
		c.Interest("topic", true)
		send(a.Publish(t.Context(), "topic", "chat", []byte("5")))
		send(a.Send(t.Context(), b.Self().ID, "chat", []byte("6")))
		check("after a change", nil, []string{"5"})
	})
}
