package nats

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/roost-dev/roost/history"
	"github.com/roost-dev/roost/pubsub"
)

// idleTime is the unit in which idle topics are forgotten: two of it after its
// last event went, nothing is left of a topic, and its next event begins
// another epoch. The number of the day is in the epoch, so that it is not the
// one before, even if clocks differ by hours.
const idleTime = 24 * time.Hour

// dedupTime is how long the server knows an append again.
const dedupTime = 2 * time.Minute

// keptRule is a rule, and the stream for it.
type keptRule struct {
	*history.Keep

	prefix string        // of the subjects of its topics
	opened chan struct{} // held by who uses stream
	stream *stream       // nil: not looked up yet, or lost
}

// stream is one that exists, or did when it was looked up. Its name is its
// own, never that of a rule: what is made anew has another.
type stream struct {
	rule *keptRule
	name string

	mu      sync.Mutex // guards what follows
	topics  map[string]*topicState
	before  map[string]*topicState // topics, before it was full
	answers map[string]answer
}

// answer is the last position of a topic when the stream was at end.
type answer struct {
	end  uint64
	last history.Position
}

// maxTopics is how many topics of a stream a node knows something of. It does
// not need to.
const maxTopics = 16384

func (s *stream) remember(topic string, a answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.answers) >= maxTopics {
		clear(s.answers)
	}
	s.answers[topic] = a
}

func (s *stream) subject(topic string) string {
	return s.rule.prefix + token(pubsub.TopicSubject(topic))
}

// today is the life of a topic that begins now.
func today() string {
	return strconv.FormatInt(int64(time.Duration(time.Now().UnixNano())/idleTime), 36)
}

// epochOf is the epoch of one life of a topic in the stream of this name.
func epochOf(stream, topic, life string) string {
	hash := sha256.Sum256([]byte(stream + " " + life + " " + topic))
	return base64.RawURLEncoding.EncodeToString(hash[:15])
}

// positionOf is where the event that was stored last stands: nil if there is
// none.
func (s *stream) positionOf(topic string, m *stored) history.Position {
	if m == nil {
		return history.Position{Epoch: epochOf(s.name, topic, today())}
	}
	return history.Position{Epoch: epochOf(s.name, topic, m.life), Seq: m.seq}
}

// open returns the stream of a rule, which it makes if it is not there.
func (l *eventLog) open(ctx context.Context, rule *keptRule) (*stream, error) {
	select {
	case rule.opened <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	defer func() { <-rule.opened }()
	if rule.stream != nil {
		return rule.stream, nil
	}
	name, err := l.find(ctx, rule)
	if err == nil && name == "" {
		name, err = l.make(ctx, rule)
	}
	if err != nil {
		return nil, err
	}
	if err := l.adjust(ctx, rule, name); err != nil {
		return nil, err
	}
	if err := l.watch(name); err != nil {
		return nil, err
	}
	rule.stream = &stream{
		rule: rule, name: name,
		topics: make(map[string]*topicState), before: make(map[string]*topicState), answers: make(map[string]answer),
	}
	return rule.stream, nil
}

// lost has the stream looked up again.
func (l *eventLog) lost(s *stream) {
	s.rule.opened <- struct{}{}
	defer func() { <-s.rule.opened }()
	if s.rule.stream == s {
		s.rule.stream = nil
	}
}

// find returns the name of a rule's stream, or nothing.
func (l *eventLog) find(ctx context.Context, rule *keptRule) (string, error) {
	var found struct {
		Streams []string `json:"streams"`
	}
	err := l.api(ctx, "STREAM.NAMES", map[string]string{"subject": rule.prefix + "*"}, &found)
	if err != nil || len(found.Streams) == 0 {
		return "", err
	}
	return slices.Min(found.Streams), nil
}

// make makes the stream of a rule, unless another node was faster.
func (l *eventLog) make(ctx context.Context, rule *keptRule) (string, error) {
	config := nats.StreamConfig{
		Name:        strings.ReplaceAll(l.names.prefix, ".", "-") + rand.Text()[:12],
		Description: "history of " + strings.Join(rule.Topics, ", "),
		Subjects:    []string{rule.prefix + "*"},
		Storage:     nats.FileStorage,
		Duplicates:  dedupTime,
		AllowDirect: true,
		RePublish:   &nats.RePublish{Source: rule.prefix + "*", Destination: l.names.prefix + "{{wildcard(1)}}"},
	}
	const longest = 4096 // of a description
	config.Description = config.Description[:min(longest, len(config.Description))]
	l.limit(rule, &config)
	err := l.api(ctx, "STREAM.CREATE."+config.Name, config, nil)
	if hasCode(err, codeOverlap) {
		return l.find(ctx, rule)
	}
	if err != nil {
		return "", fmt.Errorf("the stream for topics %q: %w", rule.Topics, err)
	}
	// Old servers may make two streams if they are asked for them at once.
	first, err := l.find(ctx, rule)
	if err == nil && first != "" && first != config.Name {
		err = l.api(ctx, "STREAM.DELETE."+config.Name, nil, nil)
	}
	return cmp.Or(first, config.Name), err
}

// limit sets what a rule says.
func (l *eventLog) limit(rule *keptRule, config *nats.StreamConfig) {
	config.MaxMsgsPerSubject = int64(rule.Count) + 1
	config.MaxAge = rule.For + 2*idleTime
	config.Replicas = l.replicas
}

// adjust has a stream keep what the rule says now.
func (l *eventLog) adjust(ctx context.Context, rule *keptRule, name string) error {
	var info struct {
		Config nats.StreamConfig `json:"config"`
	}
	if err := l.api(ctx, "STREAM.INFO."+name, nil, &info); err != nil {
		return err
	}
	is := &info.Config
	count, age, replicas := is.MaxMsgsPerSubject, is.MaxAge, is.Replicas
	if l.limit(rule, is); is.MaxMsgsPerSubject == count && is.MaxAge == age && is.Replicas == replicas {
		return nil
	}
	if err := l.api(ctx, "STREAM.UPDATE."+name, is, nil); err != nil {
		return fmt.Errorf("the stream for topics %q: %w", rule.Topics, err)
	}
	return nil
}

// watch has the receiver told when the stream gets another leader: what the one
// before had stored and not told is known by a look at the log only.
func (l *eventLog) watch(name string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.watched[name] {
		return nil
	}
	nc, err := l.connected()
	if err == nil {
		_, err = nc.Subscribe("$JS.EVENT.ADVISORY.STREAM.LEADER_ELECTED."+name, func(*nats.Msg) { l.link.recover() })
	}
	l.watched[name] = err == nil
	return err
}

// endOf returns the sequence number of a stream's last event.
func (l *eventLog) endOf(ctx context.Context, s *stream) (uint64, error) {
	var info struct {
		State struct {
			LastSeq uint64 `json:"last_seq"`
		} `json:"state"`
	}
	err := l.asked(s, l.api(ctx, "STREAM.INFO."+s.name, nil, &info))
	return info.State.LastSeq, err
}

// stored is an event in a stream.
type stored struct {
	seq   uint64
	life  string
	first bool // of its life, and not old
	at    time.Time
	data  []byte
}

// query asks for one message of a stream.
type query struct {
	Seq           uint64 `json:"seq,omitempty"`
	NextBySubject string `json:"next_by_subj,omitempty"` // at or behind Seq
	LastBySubject string `json:"last_by_subj,omitempty"`
}

// clockSlack is how much the clocks of nodes and servers may differ.
const clockSlack = time.Minute

// get asks a stream's leader, the only one that knows the truth. It returns nil
// if there is no such message.
func (l *eventLog) get(ctx context.Context, s *stream, q query) (*stored, error) {
	var got struct {
		Message struct {
			Seq    uint64    `json:"seq"`
			Header []byte    `json:"hdrs"`
			Data   []byte    `json:"data"`
			Time   time.Time `json:"time"`
		} `json:"message"`
	}
	err := l.asked(s, l.api(ctx, "STREAM.MSG.GET."+s.name, q, &got))
	if hasCode(err, codeNoMessage) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	header, err := nats.DecodeHeadersMsg(got.Message.Header)
	if err != nil {
		return nil, fmt.Errorf("nats: message %d of stream %s is not one of Roost's: %w", got.Message.Seq, s.name, err)
	}
	m := &stored{seq: got.Message.Seq, at: got.Message.Time, data: got.Message.Data}
	m.life, m.first = strings.CutSuffix(header.Get(headerLife), firstMark)
	if time.Since(m.at) > s.rule.For+clockSlack {
		m.first = false // it is old: no more than the marker
	}
	return m, nil
}

// next asks for the first event of a subject that is at or behind seq.
func (l *eventLog) next(ctx context.Context, s *stream, subject string, seq uint64) (*stored, error) {
	return l.get(ctx, s, query{Seq: max(1, seq), NextBySubject: subject})
}
