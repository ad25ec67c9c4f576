package redis

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/roost-dev/roost/history"
	"github.com/roost-dev/roost/pubsub"
)

func TestKeptEventsReachAllNodesThatWantThem(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(t *testing.T) string{
		"one server": func(t *testing.T) string { return startEngine(t, theRedis).url() },
		"a cluster":  func(t *testing.T) string { return startCluster(t, theRedis, 3, 0).url() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const events = 200
			url := start(t)
			topics := []string{"room", "{a}", "b}", "%7B", "\x00"}
			nodes := []*logNode{startLog(t, url, nil, all), startLog(t, url, nil, all), startLog(t, url, nil, all)}
			deaf := startLog(t, url, nil, all)
			for _, topic := range topics {
				for _, n := range nodes {
					n.settle(pubsub.TopicSubject(topic))
				}
			}
			for i := range events {
				for _, topic := range topics {
					nodes[i%len(nodes)].append(topic, strconv.Itoa(i))
				}
			}
			for i, n := range nodes {
				for _, topic := range topics {
					eventually(t, "all come", func() bool { return len(n.brought(topic)) == events })
					entries, err := n.readAll(topic, history.Position{})
					if err != nil {
						t.Fatal(err)
					}
					for k, e := range n.brought(topic) {
						want := entries[k]
						if e.Event != want.Name || e.Position != want.Position || e.Previous != want.Previous || e.Subject != pubsub.TopicSubject(topic) {
							t.Fatalf("on %q node %d was brought %+v, the log has %+v", topic, i, e, want)
						}
					}
				}
			}
			for _, topic := range topics {
				if n := len(deaf.brought(topic)); n > 0 {
					t.Errorf("a node that does not want %q was brought %d of its events", topic, n)
				}
			}
		})
	}
}

func TestServerThatStartsAnewHasAnotherLog(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"keeping nothing": nil,
		"keeping all":     {"--appendonly", "yes", "--appendfsync", "always"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := startEngine(t, theRedis, args...)
			n := startLog(t, e.url(), nil, all)
			n.append("room", "before")
			old := n.append("room", "before")
			e.kill()
			n.awaitState(pubsub.StateDegraded)
			e.start()
			n.awaitState(pubsub.StateUp)
			n.checkNewLife("room", old)
		})
	}
}

func TestLostKeysBeginAnotherLog(t *testing.T) {
	e := startEngine(t, theRedis)
	n := startLog(t, e.url(), nil, all)
	keys := n.logKeys("room")
	for what, command := range map[string][]string{
		"eviction of the stream": {"DEL", keys[0]},
		"eviction of the hash":   {"DEL", keys[1]},
		"the end of both":        {"DEL", keys[0], keys[1]},
		"FLUSHALL":               {"FLUSHALL"},
	} {
		n.append("room", "before")
		old := n.append("room", "before")
		e.do(command...)
		n.checkNewLife("room", old)
		if t.Failed() {
			t.Fatalf("this was after %s", what)
		}
	}
}

func TestAppendsOfACrashAreThereOrTheEpochIsAnother(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"keeping nothing":    nil,
		"keeping most":       {"--appendonly", "yes", "--appendfsync", "no"},
		"keeping a snapshot": {"--save", "1 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := startEngine(t, theRedis, args...)
			nodes := []*logNode{startLog(t, e.url(), nil, all), startLog(t, e.url(), nil, all)}
			var appenders []*appender
			for i := range 4 {
				appenders = append(appenders, startAppender(nodes[i%2], "room", strconv.Itoa(i)))
			}
			for range rounds(3, 50) {
				before := nodes[0].last("room")
				eventually(t, "much is appended", func() bool { return nodes[0].last("room").Seq > before.Seq+500 })
				e.kill()
				nodes[0].awaitState(pubsub.StateDegraded)
				e.start()
				nodes[0].awaitState(pubsub.StateUp)
				nodes[1].awaitState(pubsub.StateUp)
			}
			eventually(t, "more is appended", func() bool { return nodes[0].last("room").Seq > 100 })
			for _, a := range appenders {
				a.stop()
			}
			checkAppended(t, nodes[1], "room", appenders...)
		})
	}
}

// A primary is replaced by a replica that may lack the last events, and then
// replaces that one, without ever having been restarted.
func TestFailoverAndBackBeginsOtherLogs(t *testing.T) {
	t.Parallel()
	all3 := startCluster(t, theRedis, 3, 1)
	nodes := []*logNode{startLog(t, all3.url(), nil, all), startLog(t, all3.url(), nil, all)}
	topic := strings.TrimPrefix(subjectsOf(3, 1)[0][0], pubsub.TopicSubject(""))
	quiet := strings.TrimPrefix(subjectsOf(3, 2)[0][1], pubsub.TopicSubject(""))
	steady := strings.TrimPrefix(subjectsOf(3, 1)[1][0], pubsub.TopicSubject(""))
	old := nodes[0].append(quiet, "before")
	stayed := nodes[0].append(steady, "before")
	a := startAppender(nodes[0], topic, "a")
	first := nodes[1].last(topic).Epoch
	primary, replica := all3[0], all3[3]
	for _, next := range []*engine{replica, primary} {
		before := nodes[1].last(topic).Epoch
		next.do("CLUSTER", "FAILOVER", "TAKEOVER") // without asking the primary
		eventually(t, "the log is another", func() bool {
			last, err := nodes[1].Last(t.Context(), topic)
			return err == nil && last.Epoch != before && last.Seq > 10
		})
		eventually(t, "the other one follows", func() bool {
			return strings.Contains(primary.text("INFO", "replication")+replica.text("INFO", "replication"), "master_link_status:up")
		})
	}
	a.stop()
	checkAppended(t, nodes[1], topic, a)
	if last := nodes[1].last(topic).Epoch; last == first {
		t.Error("after two failovers the log is the first one again")
	}
	nodes[1].checkNewLife(quiet, old) // which nobody had used at the replica
	if last := nodes[1].last(steady); last != stayed.Position {
		t.Errorf("on a server that stayed the last position was %v and is %v", stayed.Position, last)
	}
}

func TestAppendsOfAFailoverAreThereOrTheEpochIsAnother(t *testing.T) {
	t.Parallel()
	cluster := startCluster(t, theRedis, 3, 1)
	nodes := []*logNode{startLog(t, cluster.url(), nil, all), startLog(t, cluster.url(), nil, all)}
	topic := strings.TrimPrefix(subjectsOf(3, 1)[0][0], pubsub.TopicSubject(""))
	var appenders []*appender
	for i := range 4 {
		appenders = append(appenders, startAppender(nodes[i%2], topic, strconv.Itoa(i)))
	}
	eventually(t, "much is appended", func() bool { return nodes[0].last(topic).Seq > 500 })
	before := nodes[0].last(topic)
	cluster[0].kill()
	eventually(t, "the replica goes on", func() bool {
		last, err := nodes[0].Last(t.Context(), topic)
		return err == nil && last.Epoch != before.Epoch && last.Seq > 500
	})
	for _, a := range appenders {
		a.stop()
	}
	checkAppended(t, nodes[1], topic, appenders...)
}

// A slot moves with its keys while somebody appends.
func TestLogWhoseSlotMovesBeginsAnew(t *testing.T) {
	t.Parallel()
	cluster := startCluster(t, theRedis, 3, 0)
	nodes := []*logNode{startLog(t, cluster.url(), nil, all), startLog(t, cluster.url(), nil, all)}
	subject := subjectsOf(3, 1)[0][0]
	topic := strings.TrimPrefix(subject, pubsub.TopicSubject(""))
	slot := strconv.Itoa(slotOf(defaultPrefix + subject))
	a := startAppender(nodes[0], topic, "a")
	from, to := cluster[0], cluster[1]
	for range 2 { // there and back
		eventually(t, "much is appended", func() bool { return nodes[0].last(topic).Seq > 100 })
		before := nodes[1].last(topic)
		cluster.move(slot, from, to, nodes[0].logKeys(topic)...)
		eventually(t, "it goes on elsewhere", func() bool {
			last, err := nodes[1].Last(t.Context(), topic)
			return err == nil && last.Epoch != before.Epoch && last.Seq > 100
		})
		from, to = to, from
	}
	a.stop()
	checkAppended(t, nodes[1], topic, a)
	if len(a.uncertain) > 0 {
		t.Errorf("%d appends are uncertain, where a server answered each", len(a.uncertain))
	}
}

func TestWithoutTheEngineALogFailsAtOnce(t *testing.T) {
	t.Parallel()
	e := newEngine(t, theRedis)
	n := newLog(t, e.url(), nil, all)
	check := func(when string) {
		t.Helper()
		began := time.Now()
		_, err := n.tryAppend("room", "e")
		if !errors.Is(err, pubsub.ErrUnavailable) || errors.Is(err, history.ErrUncertain) {
			t.Errorf("Append %s: %v", when, err)
		}
		if _, err := n.Read(t.Context(), "room", history.Position{}, 1); !errors.Is(err, pubsub.ErrUnavailable) {
			t.Errorf("Read %s: %v", when, err)
		}
		if _, err := n.Lasts(t.Context(), []string{"room", "hall"}); !errors.Is(err, pubsub.ErrUnavailable) {
			t.Errorf("Lasts %s: %v", when, err)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("%s the log took %v to say that there is none", when, took)
		}
	}
	check("before Start")
	if err := n.Start(n); err != nil {
		t.Fatal(err)
	}
	check("before there ever was a server")
	e.start()
	n.awaitState(pubsub.StateUp)
	n.append("room", "e")
	e.kill()
	n.awaitState(pubsub.StateDegraded)
	check("while the server is away")
	e.start()
	n.awaitState(pubsub.StateUp)
	n.append("room", "e")
	n.shut()
	check("after Close")
}

// A server that stands still may have taken what it does not answer.
func TestAppendWithoutAnAnswerIsUncertain(t *testing.T) {
	t.Parallel()
	e := startEngine(t, theRedis)
	n := startLog(t, e.url(), nil, all)
	first := n.append("room", "first")
	e.signal(syscall.SIGSTOP)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := n.Append(ctx, "room", history.Event{Name: "short of time"}); !errors.Is(err, history.ErrUncertain) {
		t.Errorf("an append whose context ended: %v", err)
	}
	if _, err := n.tryAppend("room", "patient"); !errors.Is(err, history.ErrUncertain) {
		t.Errorf("an append that the server did not answer: %v", err)
	}
	n.awaitState(pubsub.StateDegraded)
	e.signal(syscall.SIGCONT)
	n.awaitState(pubsub.StateUp)
	entries, err := n.readAll("room", first.Position)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name)
	}
	if slices.Sort(names); len(slices.Compact(names)) != len(entries) {
		t.Errorf("what is uncertain is there twice: %q", names)
	}
}

func TestAppendThatAFullServerRefusesIsNotThere(t *testing.T) {
	e := startEngine(t, theRedis, "--maxmemory-policy", "noeviction")
	n := startLog(t, e.url(), nil, all)
	first := n.append("room", "first")
	e.do("CONFIG", "SET", "maxmemory", "1")
	if _, err := n.tryAppend("room", "refused"); err == nil || errors.Is(err, history.ErrUncertain) || !strings.Contains(err.Error(), "OOM") {
		t.Errorf("Append to a server without memory: %v", err)
	}
	e.do("CONFIG", "SET", "maxmemory", "0")
	if second := n.append("room", "second"); second.Previous != first.Position.Seq {
		t.Errorf("after a refused append an event comes behind %d, want %d", second.Previous, first.Position.Seq)
	}
}

func TestURLSaysWhichDatabaseHasTheLog(t *testing.T) {
	e := startEngine(t, theRedis)
	n := startLog(t, e.url()+"/3", nil, all)
	n.settle(pubsub.TopicSubject("room"))
	n.append("room", "e")
	eventually(t, "it arrives", func() bool { return len(n.brought("room")) == 1 })
	if keys := e.text("INFO", "keyspace"); !strings.Contains(keys, "db3:keys=2") || strings.Contains(keys, "db0") {
		t.Errorf("keys are in %q", keys)
	}
}

func TestAppendThatIsTooLargeIsRefused(t *testing.T) {
	n := startLog(t, startEngine(t, theRedis).url(), nil, all)
	_, err := n.Append(t.Context(), "room", history.Event{Name: "e", Payload: make([]byte, maxMessage)})
	if !errors.Is(err, pubsub.ErrTooLarge) {
		t.Errorf("an event that is too large: %v", err)
	}
}

func TestServerThatBecomesAReplicaTakesNothing(t *testing.T) {
	t.Parallel()
	e, other := startEngine(t, theRedis), startEngine(t, theRedis)
	n := startLog(t, e.url(), nil, all)
	old := n.append("room", "before")
	e.do("REPLICAOF", "127.0.0.1", strconv.Itoa(other.port))
	if _, err := n.tryAppend("room", "refused"); !errors.Is(err, pubsub.ErrUnavailable) {
		t.Errorf("Append to a replica: %v", err)
	}
	n.awaitState(pubsub.StateDegraded)
	e.do("REPLICAOF", "NO", "ONE")
	n.awaitState(pubsub.StateUp)
	n.checkNewLife("room", old)
}

func TestTopicsThatNobodyUsesExpire(t *testing.T) {
	e := startEngine(t, theRedis)
	keep := all
	keep.For = time.Minute
	n := startLog(t, e.url(), nil, keep)
	ttl := func(key string) time.Duration {
		ms, err := e.do("PTTL", key).AsInt64()
		if err != nil {
			t.Fatal(err)
		}
		return time.Duration(ms) * time.Millisecond
	}
	keys := n.logKeys("room")
	last := n.last("room")
	least, most := keep.For+forgetAfter, 2*(keep.For+forgetAfter)
	if got := ttl(keys[1]); got < least || got > most {
		t.Errorf("a topic without events expires in %v", got)
	}
	entry := n.append("room", "e")
	if entry.Position.Epoch != last.Epoch {
		t.Errorf("the first event is at %v, the topic's position was %v", entry.Position, last)
	}
	for what, use := range map[string]func(){
		"an event": func() { entry = n.append("room", "e") },
		"a reader": func() { _, _ = n.readAll("room", entry.Position) },
		"a look":   func() { n.last("room") },
	} {
		short := (least - time.Second).Milliseconds()
		for _, key := range keys {
			e.do("PEXPIRE", key, strconv.FormatInt(short, 10))
		}
		e.do("HSET", keys[1], "until", strconv.FormatInt(time.Now().UnixMilli()+short, 10))
		use()
		for _, key := range keys {
			if got := ttl(key); got < most-time.Minute || got > most {
				t.Errorf("after %s %q expires in %v, want %v", what, key, got, most)
			}
		}
	}
	if got := n.last("room"); got != entry.Position {
		t.Errorf("the last position is %v, want %v", got, entry.Position)
	}
}

func TestLastsAnswersInTheOrderAsked(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{"one server": startEngine(t, theRedis).url(), "a cluster": startCluster(t, theRedis, 3, 0).url()} {
		n := startLog(t, url, nil, all)
		const topics = 3000
		names, want := make([]string, topics), make([]history.Position, topics)
		for i := range names {
			names[i] = "room " + strconv.Itoa(i)
			if i%3 == 0 {
				want[i] = n.append(names[i], "e").Position
			}
		}
		first, err := n.Lasts(t.Context(), names)
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range first {
			if i%3 == 0 && p != want[i] || p.Epoch == "" {
				t.Fatalf("%s: the last position of topic %d is %v, want %v", name, i, p, want[i])
			}
		}
		second, err := n.Lasts(t.Context(), names)
		if err != nil || !slices.Equal(first, second) {
			t.Errorf("%s: asked again, other positions come, error %v", name, err)
		}
		if none, err := n.Lasts(t.Context(), nil); err != nil || len(none) != 0 {
			t.Errorf("%s: Lasts of no topics is %v, error %v", name, none, err)
		}
	}
}
