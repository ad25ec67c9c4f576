package history

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Keep is a rule: what is kept of some topics. Zero stands for the defaults.
type Keep struct {
	// Topics is the topics: "lobby", or all that begin alike, "videos:*".
	// "*" is all.
	Topics []string

	// Events is the names of the events. nil: all but those of presence,
	// whose names begin with "presence_" and which are never kept.
	Events []string

	// Count is how many events of a topic are kept. Default 1,000.
	Count int

	// For is how long an event is kept. Default 10 minutes.
	For time.Duration

	// Bytes is how much is kept of a topic, payloads and 64 bytes for each
	// event. An event that is larger gets a position and is trimmed at once.
	// Default 1 MiB.
	Bytes int
}

// eventBytes is what an event counts besides its payload.
const eventBytes = 64

// neverKept begins the names of the events of presence. Their state is not the
// sum of what was broadcast: who joins is told it anew.
const neverKept = "presence_"

// Rules is what is kept of all topics. The first rule that names a topic is
// the one for it, whatever events it lists: a topic has one log, with one
// bound. nil keeps nothing. It may be used from any goroutine.
type Rules struct {
	topics   []string // as the rules name them
	exact    map[string]*rule
	prefixes []prefix // in the order of the rules
}

type rule struct {
	Keep

	events map[string]bool // nil: all but those of presence
}

type prefix struct {
	text string
	rule *rule
}

// NewRules checks rules and makes them ready for use, defaults filled in. A
// topic that a rule names in vain, because an earlier one has it already, is
// an error.
func NewRules(keeps []Keep) (*Rules, error) {
	r := &Rules{exact: make(map[string]*rule)}
	for i, k := range keeps {
		err := k.check()
		if err == nil {
			err = r.checkReach(k)
		}
		if err != nil {
			return nil, fmt.Errorf("history: rule %d: %w", i+1, err)
		}
		r.add(newRule(k))
	}
	return r, nil
}

func (k *Keep) check() error {
	switch {
	case len(k.Topics) == 0:
		return errors.New(`it names no topics: say "*" for all`)
	case k.Events != nil && len(k.Events) == 0:
		return errors.New("it lists no events: leave Events nil for all")
	case k.Count < 0:
		return fmt.Errorf("its Count is %d: it must be positive, or 0 for the default", k.Count)
	case k.For < 0:
		return fmt.Errorf("its For is %v: it must be positive, or 0 for the default", k.For)
	case k.Bytes < 0:
		return fmt.Errorf("its Bytes is %d: it must be positive, or 0 for the default", k.Bytes)
	}
	for _, topic := range k.Topics {
		if topic == "" {
			return errors.New(`a topic is empty: say "*" for all`)
		}
		if strings.Contains(topic[:len(topic)-1], "*") {
			return fmt.Errorf("topic %q: a star may stand at the end only", topic)
		}
	}
	for _, event := range k.Events {
		if event == "" {
			return errors.New("the name of an event is empty")
		}
		if strings.HasPrefix(event, neverKept) {
			return fmt.Errorf("event %q: events of presence are never kept", event)
		}
	}
	return nil
}

// checkReach fails if an earlier rule has all of a topic of k.
func (r *Rules) checkReach(k Keep) error {
	for _, topic := range k.Topics {
		text, isPrefix := strings.CutSuffix(topic, "*")
		covered := !isPrefix && r.exact[text] != nil ||
			slices.ContainsFunc(r.prefixes, func(p prefix) bool { return strings.HasPrefix(text, p.text) })
		if covered {
			return fmt.Errorf("topic %q: an earlier rule has it: list its events there, or put this rule before it", topic)
		}
	}
	return nil
}

func newRule(k Keep) *rule {
	const (
		defaultCount = 1000
		defaultFor   = 10 * time.Minute
		defaultBytes = 1 << 20
	)
	k.Topics, k.Events = slices.Clone(k.Topics), slices.Clone(k.Events)
	if k.Count == 0 {
		k.Count = defaultCount
	}
	if k.For == 0 {
		k.For = defaultFor
	}
	if k.Bytes == 0 {
		k.Bytes = defaultBytes
	}
	made := &rule{Keep: k}
	if k.Events != nil {
		made.events = make(map[string]bool, len(k.Events))
		for _, event := range k.Events {
			made.events[event] = true
		}
	}
	return made
}

func (r *Rules) add(added *rule) {
	r.topics = append(r.topics, added.Topics...)
	for _, topic := range added.Topics {
		if text, isPrefix := strings.CutSuffix(topic, "*"); isPrefix {
			r.prefixes = append(r.prefixes, prefix{text, added})
		} else {
			r.exact[text] = added
		}
	}
}

// find returns the first rule that names topic. A prefix of an earlier rule
// does not fit a topic that is named exactly: checkReach sees to it.
func (r *Rules) find(topic string) *rule {
	if r == nil {
		return nil
	}
	if len(r.exact) > 0 {
		if found := r.exact[topic]; found != nil {
			return found
		}
	}
	for i := range r.prefixes {
		if strings.HasPrefix(topic, r.prefixes[i].text) {
			return r.prefixes[i].rule
		}
	}
	return nil
}

// Topics returns the topics that are kept, as the rules name them: read only.
func (r *Rules) Topics() []string {
	if r == nil {
		return nil
	}
	return r.topics
}

// For returns the rule that keeps an event of a topic, or nil: read only. It
// costs a look into a map and a comparison for each prefix.
func (r *Rules) For(topic, event string) *Keep {
	found := r.find(topic)
	switch {
	case found == nil,
		found.events == nil && strings.HasPrefix(event, neverKept),
		found.events != nil && !found.events[event]:
		return nil
	}
	return &found.Keep
}

// ForTopic returns the rule for a topic, or nil if nothing of it is kept: read
// only.
func (r *Rules) ForTopic(topic string) *Keep {
	found := r.find(topic)
	if found == nil {
		return nil
	}
	return &found.Keep
}
