package presence_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost/presence"
	"github.com/roost-dev/roost/pubsub"
)

// fetcher is a Fetch that notes what it was asked for.
type fetcher struct {
	mu    sync.Mutex
	calls []string
	fail  func(ctx context.Context) error
}

func (f *fetcher) fetch(ctx context.Context, topic string, who map[string]presence.Entry[meta]) (map[string]any, error) {
	var asked []string
	for _, key := range slices.Sorted(maps.Keys(who)) {
		asked = append(asked, fmt.Sprint(key, values(who[key])))
	}
	f.mu.Lock()
	f.calls = append(f.calls, topic+": "+strings.Join(asked, " "))
	fail := f.fail
	f.mu.Unlock()
	if fail != nil {
		if err := fail(ctx); err != nil {
			return nil, err
		}
	}
	return nameAll(who), nil
}

func (f *fetcher) set(fail func(ctx context.Context) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail = fail
}

func (f *fetcher) asked() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	calls := f.calls
	f.calls = nil
	return calls
}

// journal is a log's text.
type journal struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *journal) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *journal) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (l *journal) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

func TestFetchIsCalledOncePerBatchForTheKeysThatJoin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, ps := t.Context(), pubsub.Local()
		var f fetcher
		p := presence.New(ps, &presence.Options[meta]{Fetch: f.fetch})
		phone, laptop, bob := join(ps, "room"), join(ps, "room"), join(ps, "room")
		expect := func(what string, want ...string) {
			t.Helper()
			time.Sleep(time.Second)
			if got := f.asked(); !slices.Equal(got, want) {
				t.Errorf("%s: Fetch was asked for %q, want %q", what, got, want)
			}
		}
		must(t, p.Track(ctx, phone, "ann", meta{N: 1}))
		expect("one", "room: ann[1]")
		must(t, p.Track(ctx, laptop, "ann", meta{N: 2}))
		synctest.Wait() // the window begins
		must(t, p.Track(ctx, bob, "bob", meta{N: 3}))
		must(t, p.Update(ctx, phone, "ann", set(meta{N: 4})))
		expect("more", "room: ann[1 2]", "room: ann[4 2] bob[3]")
		must(t, p.PushState(ctx, bob))
		must(t, p.PushState(ctx, phone))
		expect("lists")
		bob.end()
		must(t, p.Untrack(ctx, laptop, "ann"))
		expect("leaves")
	})
}

func TestWhatFetchReturnsIsInDiffsListsAndEntries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, ps := t.Context(), pubsub.Local()
		var f fetcher
		p := presence.New(ps, &presence.Options[meta]{Fetch: f.fetch})
		c, watcher := join(ps, "room"), join(ps, "room")
		must(t, p.Track(ctx, c, "ann", meta{N: 1}))
		must(t, p.PushState(ctx, watcher))
		time.Sleep(time.Second)
		e, _ := p.Get("room", "ann")
		ref := e.Metas[0].Ref
		ann := `{"ann":{"metas":[{"n":1,"phx_ref":"` + ref + `"}],"name":"user ann"}}`
		for where, got := range map[string]string{
			"Get":  encode(t, map[string]any{"ann": e}),
			"List": encode(t, p.List("room")),
		} {
			if got != ann {
				t.Errorf("%s has %s, want %s", where, got, ann)
			}
		}
		c.end()
		time.Sleep(time.Second)
		want := []message{
			{presence.EventDiff, `{"joins":` + ann + `,"leaves":{}}`},
			{presence.EventState, ann},
			{presence.EventDiff, `{"joins":{},"leaves":` + ann + `}`},
		}
		if got := watcher.received(); !slices.Equal(got, want) {
			t.Errorf("got %v\nwant %v", got, want)
		}
	})
}

func TestATroubledFetchHarmsNobody(t *testing.T) {
	for name, tc := range map[string]struct {
		fail  func(ctx context.Context) error
		delay time.Duration
		log   string
	}{
		"fails":   {func(context.Context) error { return errors.New("no database") }, 0, "no database"},
		"panics":  {func(context.Context) error { panic("oh no") }, 0, "oh no"},
		"exits":   {func(context.Context) error { runtime.Goexit(); return nil }, 0, "did not return"},
		"is late": {func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, 5 * time.Second, "deadline"},
		"ignores its context": {func(context.Context) error {
			time.Sleep(time.Minute)
			return nil
		}, 5 * time.Second, "deadline"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, ps := t.Context(), pubsub.Local()
				var f fetcher
				var l journal
				f.set(tc.fail)
				p := presence.New(ps, &presence.Options[meta]{Fetch: f.fetch, Logger: l.logger()})
				watcher := join(ps, "room")
				must(t, p.Track(ctx, join(ps, "room"), "ann", meta{N: 1}))
				must(t, p.PushState(ctx, watcher))
				time.Sleep(tc.delay)
				synctest.Wait()
				got := watcher.received()
				if len(got) != 2 || shape(t, got[0].payload) != "joins 1 leaves " || strings.Contains(got[1].payload, "name") {
					t.Errorf("got %v, want the diff and the list as they are", got)
				}
				if !strings.Contains(l.String(), tc.log) {
					t.Errorf("the log has no %q: %s", tc.log, l.String())
				}

				time.Sleep(2 * time.Minute)
				f.set(nil)
				watcher.payloads(presence.EventState)
				must(t, p.PushState(ctx, watcher))
				synctest.Wait()
				if got := watcher.payloads(presence.EventState); len(got) != 1 || !strings.Contains(got[0], `"name":"user ann"`) {
					t.Errorf("the next list is %v, want what Fetch says now", got)
				}
				must(t, p.Close(ctx))
			})
		})
	}
}

func TestAFetchThatNeverReturnsIsNotJoinedByOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, ps := t.Context(), pubsub.Local()
		var f fetcher
		release := make(chan struct{})
		f.set(func(context.Context) error { <-release; return nil })
		p := presence.New(ps, &presence.Options[meta]{Fetch: f.fetch, FetchTimeout: time.Second, Logger: new(journal).logger()})
		watcher := join(ps, "room")
		for n := range 5 {
			must(t, p.Track(ctx, join(ps, "room"), fmt.Sprint(n), meta{N: n}))
			time.Sleep(time.Minute)
		}
		if got := f.asked(); len(got) != 1 {
			t.Errorf("Fetch was called %d times, though it never returned", len(got))
		}
		if got := watcher.payloads(presence.EventDiff); len(got) != 5 {
			t.Errorf("%d diffs came, want 5", len(got))
		}
		short, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		if err := p.Close(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Close beside a Fetch that hangs: %v", err)
		}
		close(release)
		must(t, p.Close(ctx))
	})
}

func TestWhatFetchReturnsMustBeObjects(t *testing.T) {
	for name, bad := range map[string]any{
		"string":       "Ann",
		"metas":        map[string]any{"metas": 1},
		"beyond JSON":  map[string]any{"f": func() {}},
		"broken UTF-8": map[string]any{"name": "\xff"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, ps := t.Context(), pubsub.Local()
				var l journal
				p := presence.New(ps, &presence.Options[meta]{
					Logger: l.logger(),
					Fetch: func(context.Context, string, map[string]presence.Entry[meta]) (map[string]any, error) {
						return map[string]any{"ann": bad, "bob": struct{}{}, "unasked": 1}, nil
					},
				})
				c := join(ps, "room")
				must(t, p.Track(ctx, c, "ann", meta{N: 1}))
				must(t, p.Track(ctx, c, "bob", meta{N: 2}))
				must(t, p.Track(ctx, c, "eve", meta{N: 3}))
				time.Sleep(time.Second)
				cl := client{t: t, synced: true}
				for _, m := range c.received() {
					cl.take(m)
				}
				if got, want := cl.metas(), listed(t, p.List("room")); !maps.Equal(got, want) {
					t.Errorf("client has %v, listed are %v", got, want)
				}
				if !strings.Contains(l.String(), "unusable") {
					t.Errorf("log: %s", l.String())
				}
			})
		})
	}
}
