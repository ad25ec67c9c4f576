package history_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/roost-dev/roost/history"
)

func newRules(t testing.TB, keeps ...history.Keep) *history.Rules {
	t.Helper()
	rules, err := history.NewRules(keeps)
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

func TestFirstRuleThatNamesATopicIsTheOneForIt(t *testing.T) {
	rules := newRules(t,
		history.Keep{Topics: []string{"lobby"}, Count: 1},
		history.Keep{Topics: []string{"videos:live:*", "hall"}, Events: []string{"said", "drawn"}, Count: 2},
		history.Keep{Topics: []string{"videos:*"}, Count: 3},
	)
	for _, c := range []struct {
		topic, event string
		count        int // 0: not kept
	}{
		{"lobby", "said", 1},
		{"lobby", "", 1},
		{"lobby:", "said", 0},
		{"lobb", "said", 0},
		{"Lobby", "said", 0},
		{"hall", "said", 2},
		{"hall", "typing", 0},
		{"videos:live:7", "drawn", 2},
		{"videos:live:", "drawn", 2},
		{"videos:live:7", "typing", 0}, // though the next rule would keep it
		{"videos:live", "typing", 3},
		{"videos:", "typing", 3},
		{"videos", "typing", 0},
		{"", "said", 0},
		{"lobby", "presence_diff", 0},
		{"lobby", "presence_state", 0},
		{"hall", "presence_diff", 0},
		{"lobby", "presence", 1},
	} {
		got := 0
		if keep := rules.For(c.topic, c.event); keep != nil {
			got = keep.Count
		}
		if got != c.count {
			t.Errorf("event %q of %q goes by the rule with count %d, want %d", c.event, c.topic, got, c.count)
		}
	}
	for topic, count := range map[string]int{"lobby": 1, "hall": 2, "videos:live:7": 2, "videos:7": 3, "street": 0, "": 0} {
		got := 0
		if keep := rules.ForTopic(topic); keep != nil {
			got = keep.Count
		}
		if got != count {
			t.Errorf("%q has the rule with count %d, want %d", topic, got, count)
		}
	}
}

func TestStarIsAllTopics(t *testing.T) {
	rules := newRules(t, history.Keep{Topics: []string{"lobby"}, Count: 1}, history.Keep{Topics: []string{"*"}, Count: 2})
	for topic, count := range map[string]int{"lobby": 1, "lobbys": 2, "x": 2, "*": 2} {
		if keep := rules.For(topic, "e"); keep == nil || keep.Count != count {
			t.Errorf("%q has rule %+v, want that with count %d", topic, keep, count)
		}
	}
}

func TestNoRulesKeepNothing(t *testing.T) {
	for name, rules := range map[string]*history.Rules{"nil": nil, "none": newRules(t)} {
		if keep := rules.For("lobby", "said"); keep != nil {
			t.Errorf("%s: %+v", name, keep)
		}
		if keep := rules.ForTopic("lobby"); keep != nil {
			t.Errorf("%s: %+v", name, keep)
		}
	}
}

func TestRulesFillInDefaults(t *testing.T) {
	keep := newRules(t, history.Keep{Topics: []string{"a"}}).ForTopic("a")
	if keep.Count != 1000 || keep.For != 10*time.Minute || keep.Bytes != 1<<20 {
		t.Errorf("the defaults are %d events, %v and %d bytes", keep.Count, keep.For, keep.Bytes)
	}
	keep = newRules(t, history.Keep{Topics: []string{"a"}, Count: 1, For: 2, Bytes: 3}).ForTopic("a")
	if keep.Count != 1 || keep.For != 2 || keep.Bytes != 3 {
		t.Errorf("1 event, 2ns and 3 bytes became %d, %v and %d", keep.Count, keep.For, keep.Bytes)
	}
}

func TestRulesAreTheirOwnCopy(t *testing.T) {
	keep := history.Keep{Topics: []string{"a"}, Events: []string{"said"}}
	rules := newRules(t, keep)
	keep.Topics[0], keep.Events[0] = "b", "typing"
	if rules.For("a", "said") == nil || rules.For("b", "typing") != nil || rules.ForTopic("a").Topics[0] != "a" {
		t.Error("rules changed after they were made")
	}
}

func TestWrongRulesAreNamed(t *testing.T) {
	on := func(topics ...string) history.Keep { return history.Keep{Topics: topics} }
	for want, keeps := range map[string][]history.Keep{
		`history: rule 2: it names no topics: say "*" for all`: {on("a"), {}},
		`history: rule 1: a topic is empty: say "*" for all`:   {on("a", "")},

		`history: rule 1: topic "a*b": a star may stand at the end only`: {on("a*b")},
		`history: rule 1: topic "**": a star may stand at the end only`:  {on("**")},
		`history: rule 1: topic "*a": a star may stand at the end only`:  {on("*a")},

		`history: rule 1: its Count is -1: it must be positive, or 0 for the default`: {{Topics: []string{"a"}, Count: -1}},
		`history: rule 1: its For is -1s: it must be positive, or 0 for the default`:  {{Topics: []string{"a"}, For: -time.Second}},
		`history: rule 1: its Bytes is -5: it must be positive, or 0 for the default`: {{Topics: []string{"a"}, Bytes: -5}},

		`history: rule 1: it lists no events: leave Events nil for all`:              {{Topics: []string{"a"}, Events: []string{}}},
		`history: rule 1: the name of an event is empty`:                             {{Topics: []string{"a"}, Events: []string{""}}},
		`history: rule 1: event "presence_diff": events of presence are never kept`:  {{Topics: []string{"a"}, Events: []string{"presence_diff"}}},
		`history: rule 1: event "presence_state": events of presence are never kept`: {{Topics: []string{"a"}, Events: []string{"said", "presence_state"}}},
		`history: rule 1: event "presence_later": events of presence are never kept`: {{Topics: []string{"a"}, Events: []string{"presence_later"}}},
		tooLate(2, "a"):        {on("a"), on("a")},
		tooLate(2, "a:*"):      {on("a:*"), on("b", "a:*")},
		tooLate(2, "a:b"):      {on("a:*"), on("a:b")},
		tooLate(3, "a:b:*"):    {on("x"), on("a:*"), on("a:b:*")},
		tooLate(2, "anything"): {on("*"), on("anything")},
		tooLate(2, "*"):        {on("*"), on("*")},
	} {
		if _, err := history.NewRules(keeps); err == nil || err.Error() != want {
			t.Errorf("rules %+v:\n got error %v\nwant error %s", keeps, err, want)
		}
	}
}

func tooLate(rule int, topic string) string {
	return fmt.Sprintf("history: rule %d: topic %q: an earlier rule has it: list its events there, or put this rule before it", rule, topic)
}

func TestRulesCostNoMemory(t *testing.T) {
	rules := newRules(t, history.Keep{Topics: []string{"lobby"}}, history.Keep{Topics: []string{"videos:*"}, Events: []string{"said"}})
	if n := testing.AllocsPerRun(100, func() {
		rules.For("lobby", "said")
		rules.For("videos:7", "said")
		rules.For("elsewhere", "said")
	}); n != 0 {
		t.Errorf("looking for rules allocates %v times", n)
	}
}
