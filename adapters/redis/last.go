package redis

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/redis/rueidis"
	"github.com/roost-dev/roost/history"
	"github.com/roost-dev/roost/pubsub"
)

// lastBatch is how many topics are asked for in one exchange.
const lastBatch = 1024

// Last implements [history.Log].
func (l *engineLog) Last(ctx context.Context, topic string) (history.Position, error) {
	last, err := l.Lasts(ctx, []string{topic})
	if err != nil {
		return history.Position{}, err
	}
	return last[0], nil
}

// Lasts implements [pubsub.EngineLog]. For a topic that is as it was it costs
// the engine one look into a hash; a script begins the epochs of others.
func (l *engineLog) Lasts(ctx context.Context, topics []string) ([]history.Position, error) {
	asked := make([]lastOf, len(topics))
	for i, topic := range topics {
		keep := l.rules.ForTopic(topic)
		if keep == nil {
			return nil, errNoRule(topic)
		}
		asked[i] = lastOf{keep: keep, keys: l.a.logKeys(topic)}
	}
	for _, step := range []func(context.Context, rueidis.Client, []*lastOf) error{lookForLasts, settleLasts} {
		if err := l.eachServer(ctx, asked, step); err != nil {
			return nil, fmt.Errorf("redis: the last positions of topics: %w", unavailable(ctx, err))
		}
	}
	last := make([]history.Position, len(asked))
	for i := range asked {
		last[i] = asked[i].last
	}
	return last, nil
}

// lastOf is a topic whose last position is asked for.
type lastOf struct {
	keep *history.Keep
	keys []string
	last history.Position // zero: not known yet
}

// eachServer takes a step with the topics whose last position is not known, in
// batches, and again while servers do not serve them just now.
func (l *engineLog) eachServer(ctx context.Context, asked []lastOf, step func(context.Context, rueidis.Client, []*lastOf) error) error {
	for began := time.Now(); ; {
		err := l.tryEachServer(ctx, asked, step)
		if err == nil || !isElsewhere(err) || time.Since(began) > movingTime || ctx.Err() != nil {
			return err
		}
		l.a.lookAgain()
		sleep(ctx, refusedPause)
	}
}

func (l *engineLog) tryEachServer(ctx context.Context, asked []lastOf, step func(context.Context, rueidis.Client, []*lastOf) error) error {
	at := make(map[rueidis.Client][]*lastOf)
	for i := range asked {
		if !asked[i].last.IsZero() {
			continue
		}
		_, client := l.a.logOf(asked[i].keys[0])
		if client == nil {
			return pubsub.ErrUnavailable
		}
		at[client] = append(at[client], &asked[i])
	}
	for client, some := range at {
		for batch := range slices.Chunk(some, lastBatch) {
			if err := step(ctx, client, batch); err != nil {
				return err
			}
		}
	}
	return nil
}

var replicationID = regexp.MustCompile(`(?m)^master_replid:([0-9a-f]+)\r?$`)

// lookForLasts finds the last positions of topics whose logs are whole and
// will be for a while.
func lookForLasts(ctx context.Context, client rueidis.Client, some []*lastOf) error {
	commands := make(rueidis.Commands, 0, 2*len(some)+2)
	for _, l := range some {
		commands = append(commands, client.B().Hmget().Key(l.keys[1]).Field("run", "until", "epoch", "last").Build())
	}
	for _, l := range some {
		commands = append(commands, client.B().Exists().Key(l.keys[0]).Build())
	}
	commands = append(commands, client.B().Time().Build(), client.B().Info().Section("replication").Build())
	results := client.DoMulti(ctx, commands...)
	clock, err := results[2*len(some)].AsIntSlice()
	if err != nil {
		return err
	}
	info, err := results[2*len(some)+1].ToString()
	if err != nil {
		return err
	}
	run := replicationID.FindStringSubmatch(info)
	if len(run) == 0 || len(clock) == 0 {
		return errAnswer
	}
	for i, l := range some {
		fields, err := results[i].ToArray()
		if err != nil {
			return err
		}
		exists, err := results[len(some)+i].AsInt64()
		if err != nil {
			return err
		}
		l.take(fields, exists > 0, run[1], time.Unix(clock[0], 0))
	}
	return nil
}

// take takes what a hash has to say, if it holds for this run of the server
// and for long enough that nobody need renew it.
func (l *lastOf) take(fields []rueidis.RedisMessage, stream bool, run string, now time.Time) {
	if len(fields) != 4 {
		return
	}
	whose, _ := fields[0].ToString()
	until, err := fields[1].AsInt64()
	if err != nil || whose != run || time.UnixMilli(until).Sub(now) < l.keep.For+forgetAfter {
		return
	}
	if last, err := position(fields[2:]); err == nil && (stream || last.Seq == 0) {
		l.last = last
	}
}

// settleLasts has a script find the last positions, and begin or prolong the
// logs of topics.
func settleLasts(ctx context.Context, client rueidis.Client, some []*lastOf) error {
	calls := make([]rueidis.LuaExec, len(some))
	for i, l := range some {
		calls[i] = rueidis.LuaExec{Keys: l.keys, Args: append(ruleArgs(l.keep), "", "0", "0")}
	}
	for i, result := range readScript.ExecMulti(ctx, client, calls...) {
		fields, err := result.ToArray()
		if err == nil {
			some[i].last, err = position(fields)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
