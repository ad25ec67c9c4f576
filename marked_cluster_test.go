package roost_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/transport"
	"github.com/roost-dev/roost/transport/memory"
)

// On another node the session goes on, with what is known of it.
func TestSessionsMoveBetweenNodes(t *testing.T) {
	bubble(t, func(t *testing.T) {
		nodes := startCluster(t, "a", "b", "c")
		session, last := "", 0
		for i, server := range []*roost.Server[user]{nodes[0].server, nodes[1].server, nodes[2].server, nodes[0].server} {
			c := dial(t, server, "ada")
			was := session
			var kept bool
			session, kept = marking(t, c, "1", was)
			if kept != (i > 0) {
				t.Fatalf("move %d: kept %v", i, kept)
			}
			for id := 1; id <= last; id++ {
				c.send("1", "2", "room:1", "sum", fmt.Sprintf(`{"n":100,"_once":{"id":%d}}`, id))
				c.want(fmt.Sprintf(`["1","2","room:1","phx_reply",{"response":{"n":%d},"status":"ok"}]`, id))
			}
			last++
			c.send("1", "2", "room:1", "sum", fmt.Sprintf(`{"n":%d,"_once":{"id":%[1]d}}`, last))
			c.want(fmt.Sprintf(`["1","2","room:1","phx_reply",{"response":{"n":%d},"status":"ok"}]`, last))
			c.conn.Close(transport.CloseNormal)
		}
	})
}

// Whoever lost the answer to its join on the way comes with the old name, and
// perhaps to a third node.
func TestSessionIsFollowedWhereItWent(t *testing.T) {
	bubble(t, func(t *testing.T) {
		nodes := startCluster(t, "a", "b", "c")
		c := dial(t, nodes[0].server, "ada")
		session, _ := marking(t, c, "1", "")
		c.send("1", "2", "room:1", "sum", `{"n":5,"_once":{"id":1}}`)
		c.drainTo(1)
		marking(t, dial(t, nodes[1].server, "ada"), "1", session)
		marking(t, dial(t, nodes[2].server, "ada"), "1", session)
		c = dial(t, nodes[0].server, "ada")
		if _, kept := marking(t, c, "1", session); !kept {
			t.Fatal("the session is lost")
		}
		c.send("1", "2", "room:1", "sum", `{"n":7,"_once":{"id":1}}`)
		c.want(`["1","2","room:1","phx_reply",{"response":{"n":5},"status":"ok"}]`)
	})
}

func TestPushThatRunsOnAnotherNode(t *testing.T) {
	for _, dies := range []bool{false, true} {
		t.Run(fmt.Sprintf("dies=%v", dies), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				nodes := startCluster(t, "a", "b")
				server, ran := blocking(t, nodes[0])
				c := dial(t, server, "ada")
				session, _ := marking(t, c, "1", "")
				c.send("1", "2", "room:1", "do", once(1, 0))
				synctest.Wait()
				late := dial(t, nodes[1].server, "ada")
				if _, kept := marking(t, late, "1", session); !kept {
					t.Fatal("the session is lost")
				}
				late.send("1", "2", "room:1", "do", once(1, 0))
				c.send("1", "3", "room:1", "do", once(2, 0)) // still on its way when the client moved
				want := `{"response":{"n":7},"status":"ok"}`
				if dies {
					nodes[0].ps.Close(t.Context())
					want = `{"response":{"reason":"outcome_unknown"},"status":"error"}`
				}
				late.want(`["1","2","room:1","phx_reply",` + want + `]`)
				time.Sleep(time.Minute)
				if *ran != 1 {
					t.Errorf("%d pushes were handled where the session was", *ran)
				}
			})
		})
	}
}

// blocking mounts on a node a server whose event do takes ten seconds.
func blocking(t *testing.T, n node) (*roost.Server[user], *int) {
	t.Helper()
	ran := new(int)
	a := &app{opts: roost.Options[user]{PubSub: n.ps, Secret: "a secret that all nodes share"}}
	a.do = func(context.Context, *roost.Channel[room], say) (count, error) {
		*ran++
		time.Sleep(10 * time.Second)
		return count{7}, nil
	}
	server := a.server()
	t.Cleanup(func() { server.Shutdown(context.Background()) })
	return server, ran
}

// Whatever is cut off when, each of many marked pushes has one effect, and one
// reply.
func TestMarkedPushesUnderRandomCuts(t *testing.T) {
	seeds := 20
	if testing.Short() {
		seeds = 2
	}
	for seed := range seeds {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			bubble(t, func(t *testing.T) { markedHistory(t, rand.New(rand.NewPCG(uint64(seed), 21))) })
		})
	}
}

func markedHistory(t *testing.T, rng *rand.Rand) {
	const pushes = 500
	nodes := startCluster(t, "a", "b", "c")
	var mu sync.Mutex // guards what follows
	effects := make(map[int]int)
	servers := make([]*roost.Server[user], len(nodes))
	for i, n := range nodes {
		a := &app{opts: roost.Options[user]{PubSub: n.ps, Secret: "a secret that all nodes share", Messages: roost.Rate{PerSecond: -1}}}
		a.opts.Joins.PerSecond = -1
		a.do = func(_ context.Context, _ *roost.Channel[room], p say) (count, error) {
			id, err := strconv.Atoi(p.Text)
			if err != nil {
				return count{}, err
			}
			mu.Lock()
			effects[id]++
			mu.Unlock()
			time.Sleep(time.Duration(id%3) * time.Millisecond)
			return count{id}, nil
		}
		servers[i] = a.server()
		t.Cleanup(func() { servers[i].Shutdown(context.Background()) })
	}
	client := &markingClient{t: t, rng: rng, next: 1, waiting: map[int]bool{}}
	for client.done() < pushes {
		client.session = client.live(servers[rng.IntN(len(servers))], pushes)
	}
	time.Sleep(time.Second)
	mu.Lock()
	defer mu.Unlock()
	for id := 1; id <= pushes; id++ {
		if effects[id] != 1 {
			t.Errorf("push %d had %d effects", id, effects[id])
		}
	}
}

// markingClient does what a client does that loses no marked push.
type markingClient struct {
	t       *testing.T
	rng     *rand.Rand
	session string
	next    int          // the number of the next push that is new
	waiting map[int]bool // sent, and not answered
}

// done returns up to where all pushes are answered.
func (m *markingClient) done() int {
	done := m.next - 1
	for id := range m.waiting {
		done = min(done, id-1)
	}
	return done
}

// live is one connection, which is cut at random. It returns the session.
func (m *markingClient) live(server *roost.Server[user], pushes int) (session string) {
	conn, err := tryDial(server, "ada")
	if err != nil {
		m.t.Fatal(err)
	}
	defer conn.Close(transport.CloseNormal)
	ctx, cancel := context.WithTimeout(m.t.Context(), time.Duration(m.rng.IntN(20))*time.Millisecond) // the cut
	defer cancel()
	params := `{"_once":true}`
	if m.session != "" {
		params = fmt.Sprintf(`{"_once":{"session":%q}}`, m.session)
	}
	_ = conn.Send(fmt.Appendf(nil, `["1","1","room:1","phx_join",%s]`, params), false)
	joined, err := conn.Receive(ctx)
	if err != nil {
		return m.session
	}
	session, kept := sessionIn(m.t, string(joined.Data))
	if kept != nil && !*kept {
		m.t.Fatal("the session was lost")
	}
	for _, id := range slices.Sorted(maps.Keys(m.waiting)) {
		m.push(conn, id)
	}
	for m.done() < pushes {
		for ; len(m.waiting) < 8 && m.next <= pushes; m.next++ {
			m.waiting[m.next] = true
			m.push(conn, m.next)
		}
		reply, err := conn.Receive(ctx)
		if err != nil {
			return session
		}
		if strings.Contains(string(reply.Data), `"phx_error"`) {
			return session // it moved, by a join that was cut off
		}
		var ref, n int
		if _, err := fmt.Sscanf(string(reply.Data), `["1","%d","room:1","phx_reply",{"response":{"n":%d},"status":"ok"}]`, &ref, &n); err != nil || ref != n || !m.waiting[n] {
			m.t.Fatalf("got %s (%v), awaiting %v", reply.Data, err, m.waiting)
		}
		delete(m.waiting, n)
	}
	return session
}

func (m *markingClient) push(conn *memory.Client, id int) {
	_ = conn.Send(fmt.Appendf(nil, `["1","%d","room:1","do",{"text":"%[1]d","_once":{"id":%[1]d,"done":%d}}]`, id, m.done()), false)
}
