package nats

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/roost-dev/roost/history"
	"github.com/roost-dev/roost/history/historytest"
	"github.com/roost-dev/roost/pubsub"
)

// keepers are three nodes that keep history. They are not started yet.
type keepers struct {
	meeting meeting
	dirs    [3]string
	rules   *history.Rules
	nodes   [3]*guest
	logs    [3]pubsub.EngineLog
	came    [3]chain
}

func newKeepers(t testing.TB, keeps ...history.Keep) *keepers {
	t.Helper()
	k := &keepers{rules: newRules(t, keeps...)}
	for i := range k.dirs {
		k.dirs[i] = t.TempDir()
	}
	return k
}

func (k *keepers) node(i int) *guest {
	return k.meeting.node(EmbedOptions{Name: "node " + itoa(i), Dir: k.dirs[i], Nodes: 3, Secret: testSecret})
}

func (k *keepers) start(t testing.TB, i int) {
	t.Helper()
	k.nodes[i] = k.node(i)
	k.logs[i] = openLog(t, k.nodes[i], k.rules, hooks{receive: k.came[i].add})
}

func startKeepers(t testing.TB, keeps ...history.Keep) *keepers {
	t.Helper()
	k := newKeepers(t, keeps...)
	for i := range k.nodes {
		k.start(t, i)
	}
	for i := range k.nodes {
		k.awaitLog(t, i)
	}
	return k
}

// awaitLog waits until a node's log answers.
func (k *keepers) awaitLog(t testing.TB, i int) {
	t.Helper()
	await(t, "the log of a node answers", func() bool {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_, err := k.logs[i].Last(ctx, "room")
		if err != nil {
			t.Log(err)
		}
		return err == nil
	})
}

// One cluster has the logs of all tests of the suite, each in a namespace.
func TestEmbeddedHistory(t *testing.T) {
	t.Parallel() // it waits for elections
	k := startKeepers(t, history.Keep{Topics: []string{"room"}})
	made := 0
	historytest.Run(t, func(t *testing.T, keeps []history.Keep) []history.Log {
		made++
		var logs []history.Log
		for _, n := range k.nodes {
			log := newEventLog(n.link, names{"test." + itoa(made) + "."}, newRules(t, keeps...), embeddedReplicas, electionPatience)
			n.link.tasks.Go(log.trim)
			logs = append(logs, log)
		}
		return logs
	})
}

// One of three nodes may be away, and come back.
func TestEmbeddedHistoryWithoutOne(t *testing.T) {
	t.Parallel() // it waits for elections
	k := startKeepers(t, history.Keep{Topics: []string{"room"}})
	for i, n := range k.nodes {
		n.Interest(pubsub.TopicSubject("room"), true)
		settleNow(t, k.nodes[i])
	}
	number := 0
	for round := range 2 {
		for range 10 {
			appendNumbered(t, k.logs[number%3], "room", number)
			number++
		}
		stop(t, k.nodes[round])
		began := time.Now()
		for range 10 {
			i := (round + 1 + number%2) % 3
			var err error
			await(t, "the others append", func() bool {
				_, err = k.logs[i].Append(t.Context(), "room", history.Event{Name: itoa(number), Payload: []byte(`{}`)})
				return !errors.Is(err, pubsub.ErrUnavailable) || errors.Is(err, history.ErrUncertain)
			})
			if err != nil {
				t.Fatal(err)
			}
			number++
		}
		t.Logf("10 events without node %d took %v", round, time.Since(began))
		k.start(t, round)
		k.nodes[round].Interest(pubsub.TopicSubject("room"), true)
		k.awaitLog(t, round)
		settleNow(t, k.nodes[round])
	}
	for i, log := range k.logs {
		entries := readAll(t, log, "room")
		if len(entries) != number {
			t.Fatalf("node %d reads %d events, want %d", i, len(entries), number)
		}
		for n, e := range entries {
			if e.Name != itoa(n) {
				t.Fatalf("event %d is %q", n, e.Name)
			}
		}
	}
}

// A node on its own appends nothing, and brings nothing to anybody.
func TestEmbeddedHistoryWithoutMajority(t *testing.T) {
	t.Parallel() // it waits for elections
	k := startKeepers(t, history.Keep{Topics: []string{"room"}})
	k.nodes[0].Interest(pubsub.TopicSubject("room"), true)
	settleNow(t, k.nodes[0])
	appendNumbered(t, k.logs[0], "room", 0)
	await(t, "the event arrives", func() bool { return len(k.came[0].of("room")) == 1 })
	stop(t, k.nodes[1])
	stop(t, k.nodes[2])
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if _, err := k.logs[0].Append(ctx, "room", history.Event{Name: "1", Payload: []byte(`{}`)}); !errors.Is(err, pubsub.ErrUnavailable) {
		t.Errorf("Append without a majority: %v", err)
	}
	if n := len(k.came[0].of("room")); n != 1 {
		t.Errorf("%d events came, want 1", n)
	}
	k.start(t, 1)
	k.awaitLog(t, 1)
	k.awaitLog(t, 0)
	appendNumbered(t, k.logs[0], "room", 2)
}

// keeperProcess, in the environment, makes this program a node: its directory,
// and the addresses of all nodes, its own the first.
const keeperProcess = "ROOST_TEST_KEEPER"

// TestKeeperProcess is a node of TestEmbeddedNodeCrashes, until it is killed.
func TestKeeperProcess(t *testing.T) {
	dir, addresses, ok := strings.Cut(os.Getenv(keeperProcess), " ")
	if !ok {
		t.Skip("this is the node of another test")
	}
	peers := strings.Fields(addresses)
	a := Embed(peers[0], &EmbedOptions{Name: "crashing", Dir: dir, Nodes: 3, Peers: peers, Secret: testSecret})
	openLog(t, a, newRules(t, history.Keep{Topics: []string{"room"}, Count: 10000}), hooks{})
	_, _ = io.Copy(io.Discard, os.Stdin) // ends with the other test, at the latest
}

// A node that crashes as the leader takes nothing with it that was acknowledged.
func TestEmbeddedNodeCrashes(t *testing.T) {
	t.Parallel() // it waits for elections
	addresses := statics(t, 3)
	dir := t.TempDir()
	var process *exec.Cmd
	begin := func() {
		process = exec.Command(os.Args[0], "-test.run=^TestKeeperProcess$") //nolint:gosec // this program
		process.Env = append(os.Environ(), keeperProcess+"="+strings.Join(append([]string{dir}, addresses...), " "))
		if _, err := process.StdinPipe(); err != nil {
			t.Fatal(err)
		}
		if err := process.Start(); err != nil {
			t.Fatal(err)
		}
	}
	kill := func() {
		_ = process.Process.Kill()
		_ = process.Wait()
	}
	begin()
	t.Cleanup(func() { kill() })
	rules := newRules(t, history.Keep{Topics: []string{"room"}, Count: 10000})
	var logs []pubsub.EngineLog
	var nodes []*Embedded
	for i, address := range addresses[1:] {
		a := Embed(address, &EmbedOptions{
			Name: "node " + itoa(i), Dir: t.TempDir(), Nodes: 3, Peers: addresses, Secret: testSecret, Logger: slog.New(slog.DiscardHandler),
		})
		logs = append(logs, openLog(t, a, rules, hooks{}))
		nodes = append(nodes, a)
	}
	for _, log := range logs {
		await(t, "the log answers", func() bool { _, err := log.Last(t.Context(), "room"); return err == nil })
	}
	const each, crashes = 500, 1
	appendUnder(t, logs, each, crashes, func() {
		awaitLeader(t, nodes[0], "crashing~")
		began := time.Now()
		kill()
		if _, err := logs[1].Append(context.Background(), "room", history.Event{Name: "again", Payload: []byte(`{}`)}); err != nil {
			t.Errorf("Append after the leader crashed: %v", err)
		}
		t.Logf("appends go on after %v", time.Since(began))
		begin()
	})
}

// awaitLeader has the stream's leader step down until it is that one.
func awaitLeader(t *testing.T, a *Embedded, leader string) {
	t.Helper()
	log := a.link.log
	rule, err := log.ruleFor("room")
	if err != nil {
		t.Fatal(err)
	}
	await(t, leader+" leads", func() bool {
		s, err := log.open(t.Context(), rule)
		if err != nil {
			return false
		}
		var info struct {
			Cluster struct {
				Leader string `json:"leader"`
			} `json:"cluster"`
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if log.api(ctx, "STREAM.INFO."+s.name, nil, &info) == nil && info.Cluster.Leader != "" && info.Cluster.Leader != leader {
			_ = log.api(ctx, "STREAM.LEADER.STEPDOWN."+s.name, nil, nil)
		}
		return info.Cluster.Leader == leader
	})
}

func TestEmbeddedHistoryNeedsOptions(t *testing.T) {
	rules := newRules(t, history.Keep{Topics: []string{"room"}})
	for want, opts := range map[string]EmbedOptions{
		"EmbedOptions.Name":  {Dir: t.TempDir(), Nodes: 3},
		"EmbedOptions.Dir":   {Name: "node", Nodes: 3},
		"EmbedOptions.Nodes": {Name: "node", Dir: t.TempDir(), Nodes: 2},
	} {
		if _, err := Embed("127.0.0.1:0", &opts).OpenLog(rules); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("OpenLog without %s: %v", want, err)
		}
	}
}

func TestEmbeddedSubscribersSeeOneOrder(t *testing.T) {
	k := newKeepers(t)
	var adapters []pubsub.Adapter
	for i := range k.nodes {
		adapters = append(adapters, k.node(i))
	}
	subscribersSeeOneOrder(t, adapters, func() {})
}
