package redis

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"
	"github.com/roost-dev/roost/history"
	"github.com/roost-dev/roost/pubsub"
)

const (
	// epochSize is the length of an epoch: 100 random bits.
	epochSize = 20

	// eventBytes is what an event counts besides its payload.
	eventBytes = 64

	// pageEvents is the most that Read returns.
	pageEvents = 256

	// maxSeq is a sequence number that no log reaches and a script can count.
	maxSeq = 1 << 52

	// forgetAfter is how much longer than its events a topic that nobody uses
	// is known. The scripts renew the keys' expiry when half of it is over, so
	// that it is up to twice as long.
	forgetAfter = 5 * time.Minute

	// movingTime is how long a log waits for a server that does not take
	// commands for the moment, or for the one that has the slot.
	movingTime = 2 * time.Second
)

// engineLog is a [pubsub.EngineLog] on Redis Streams.
type engineLog struct {
	a     *Adapter
	rules *history.Rules
}

var _ pubsub.EngineLog = (*engineLog)(nil)

// OpenLog implements [pubsub.LogAdapter].
func (a *Adapter) OpenLog(rules *history.Rules) (pubsub.EngineLog, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.started || a.state == pubsub.StateClosed:
		return nil, errors.New("redis: the log must be opened before the adapter is started")
	case a.log != nil:
		return nil, errors.New("redis: the log is open already: each PubSub needs an adapter of its own")
	}
	a.log = &engineLog{a: a, rules: rules}
	return a.log, nil
}

// Append implements [history.Log].
func (l *engineLog) Append(ctx context.Context, topic string, e history.Event) (history.Entry, error) {
	keep := l.rules.For(topic, e.Name)
	if keep == nil {
		return history.Entry{}, fmt.Errorf("redis: no rule keeps event %q of topic %q", e.Name, topic)
	}
	event := appendEvent(make([]byte, 0, 16+len(e.Name)+len(e.Sender)+len(e.Payload)), &e)
	if len(event) > maxMessage {
		return history.Entry{}, fmt.Errorf("redis: %w: %d bytes of at most %d", pubsub.ErrTooLarge, len(event), maxMessage)
	}
	args := append(ruleArgs(keep), rueidis.BinaryString(event), strconv.Itoa(eventBytes+len(e.Payload)))
	p, err := l.append(ctx, l.a.logKeys(topic), args)
	if err != nil {
		return history.Entry{}, fmt.Errorf("redis: append to topic %q: %w", topic, err)
	}
	return history.Entry{Event: e, Position: p, Previous: p.Seq - 1}, nil
}

func (l *engineLog) append(ctx context.Context, keys, args []string) (p history.Position, err error) {
	answer, err := l.call(ctx, keys[0], func(s *server, client rueidis.Client) rueidis.RedisResult {
		publish := "PUBLISH"
		if s.cluster {
			publish = "SPUBLISH"
		}
		return appendScript.Exec(ctx, client, keys, append(slices.Clip(args), publish))
	})
	switch {
	case err == nil:
	case isRefusal(err):
		return p, err
	default:
		return p, fmt.Errorf("%w: %w", history.ErrUncertain, err)
	}
	fields, err := answer.ToArray()
	if err == nil {
		p, err = position(fields)
	}
	if err != nil { // it did append something
		return p, fmt.Errorf("%w: %w", history.ErrUncertain, err)
	}
	return p, nil
}

// ruleArgs returns the arguments that all scripts begin with.
func ruleArgs(keep *history.Keep) []string {
	const room = 8
	age := (keep.For + time.Millisecond - 1) / time.Millisecond
	return append(make([]string, 0, room), rand.Text()[:epochSize],
		strconv.Itoa(keep.Count), strconv.Itoa(keep.Bytes), strconv.FormatInt(int64(age), 10),
		strconv.FormatInt((int64(age)+forgetAfter.Milliseconds())*2, 10))
}

var errAnswer = errors.New("an answer that cannot be read")

func position(fields []rueidis.RedisMessage) (history.Position, error) {
	if len(fields) < 2 {
		return history.Position{}, errAnswer
	}
	epoch, err1 := fields[0].ToString()
	seq, err2 := fields[1].AsUint64()
	return history.Position{Epoch: epoch, Seq: seq}, errors.Join(err1, err2)
}

// Read implements [history.Log]. It returns at most 256 events, and not many
// more than 1 MiB.
func (l *engineLog) Read(ctx context.Context, topic string, after history.Position, limit int) (history.Page, error) {
	keep := l.rules.ForTopic(topic)
	switch {
	case limit <= 0:
		return history.Page{}, fmt.Errorf("redis: limit is %d: it must be positive", limit)
	case keep == nil:
		return history.Page{}, errNoRule(topic)
	}
	keys := l.a.logKeys(topic)
	args := append(ruleArgs(keep), after.Epoch, strconv.FormatUint(min(after.Seq, maxSeq), 10), strconv.Itoa(min(limit, pageEvents)))
	answer, err := l.call(ctx, keys[0], func(_ *server, client rueidis.Client) rueidis.RedisResult {
		return readScript.Exec(ctx, client, keys, args)
	})
	var page history.Page
	if err == nil {
		page, err = parsePage(answer, after)
	}
	switch {
	case errors.Is(err, history.ErrGone):
		return history.Page{}, err
	case err != nil:
		return history.Page{}, fmt.Errorf("redis: read topic %q: %w", topic, unavailable(ctx, err))
	}
	return page, nil
}

func errNoRule(topic string) error { return fmt.Errorf("redis: no rule keeps topic %q", topic) }

// parsePage reads what the script for reading returns, and sees to it that
// nothing is missing behind a position.
func parsePage(answer rueidis.RedisMessage, after history.Position) (page history.Page, err error) {
	fields, err := answer.ToArray()
	if err != nil {
		return page, err
	}
	if page.Last, err = position(fields); err != nil {
		return page, err
	}
	if len(fields) < 3 {
		return page, errAnswer
	}
	first, err := fields[2].AsUint64()
	if err != nil {
		return page, err
	}
	events := fields[3:]
	behind := !after.IsZero()
	switch {
	case behind && (after.Epoch != page.Last.Epoch || after.Seq > page.Last.Seq),
		behind && after.Seq < page.Last.Seq && (len(events) == 0 || first != after.Seq+1):
		return page, history.ErrGone
	}
	page.Entries = make([]history.Entry, len(events))
	for i := range events {
		seq := first + uint64(i)
		page.Entries[i] = history.Entry{Position: history.Position{Epoch: page.Last.Epoch, Seq: seq}, Previous: seq - 1}
		text, err := events[i].ToString()
		if err == nil {
			page.Entries[i].Event, err = parseEvent(text)
		}
		if err != nil {
			return page, fmt.Errorf("event %d: %w", seq, err)
		}
	}
	return page, nil
}

// call has a script run by the server of a key. It fails at once if that is
// away, and waits for a moment if the server does not serve the key just now.
// What failed with an error that is a refusal has not been done.
func (l *engineLog) call(
	ctx context.Context, key string, do func(*server, rueidis.Client) rueidis.RedisResult,
) (rueidis.RedisMessage, error) {
	for began := time.Now(); ; {
		if ctx.Err() != nil {
			return rueidis.RedisMessage{}, refusal{context.Cause(ctx)}
		}
		s, client := l.a.logOf(key)
		if client == nil {
			return rueidis.RedisMessage{}, refusal{pubsub.ErrUnavailable}
		}
		answer, err := do(s, client).ToMessage()
		if err == nil || !isElsewhere(err) {
			return answer, refused(err)
		}
		l.a.lookAgain()
		if time.Since(began) > movingTime {
			return answer, refusal{fmt.Errorf("%w: %w", pubsub.ErrUnavailable, err)}
		}
		sleep(ctx, refusedPause)
	}
}

// logOf returns the server of a key, and its connection for logs, nil if it is
// away.
func (a *Adapter) logOf(key string) (*server, rueidis.Client) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.layout.owner(key)
	if a.state == pubsub.StateClosed {
		return s, nil
	}
	return s, s.log
}

// refusal says that nothing was done.
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

func isRefusal(err error) bool {
	_, ok := errors.AsType[refusal](err)
	return ok
}

// refused marks errors of commands that were not executed, or not sent.
func refused(err error) error {
	if errors.Is(err, errDial) {
		return refusal{fmt.Errorf("%w: %w", pubsub.ErrUnavailable, err)}
	}
	answer, ok := rueidis.IsRedisErr(err)
	if !ok {
		return err
	}
	word, _, _ := strings.Cut(answer.Error(), " ")
	switch word {
	case "OOM", "MISCONF", "NOREPLICAS", "BUSY", "NOSCRIPT": // before the first command that writes
		return refusal{err}
	}
	return err
}

// unavailable says of a reader's error that it was the engine's, unless the
// reader himself had enough or the engine has answered.
func unavailable(ctx context.Context, err error) error {
	_, answered := rueidis.IsRedisErr(err)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case answered, errors.Is(err, pubsub.ErrUnavailable), errors.Is(err, errAnswer), errors.Is(err, errEvent):
		return err
	}
	return fmt.Errorf("%w: %w", pubsub.ErrUnavailable, err)
}
