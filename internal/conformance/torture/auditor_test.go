//go:build linux

package torture

import (
	"slices"
	"strings"
	"testing"
)

// published is six events: 2 and 4 are bytes, and of 3 nobody knows whether it is in the log.
var published = []event{
	{certain: true}, {certain: true, binary: true}, {}, {certain: true, binary: true}, {certain: true}, {certain: true},
}

var (
	stock     = kind{"phoenix", "WebSocket"}
	stockPoll = kind{"phoenix", "LongPoll"}
	ours      = kind{"roost", "WebSocket"}
)

// notes reads what a channel was told, with commas between: numbers are events.
func notes(told string) (all []note) {
	for word := range strings.SplitSeq(told, ",") {
		n := note{Kind: word}
		if word[0] >= '0' && word[0] <= '9' {
			n = note{Kind: "event", N: int(word[0] - '0')}
		}
		all = append(all, n)
	}
	return all
}

func TestTheAuditLetsPassWhatMayBe(t *testing.T) {
	for told, k := range map[string]kind{
		"1,2,4,5,6":                 ours,
		"1,2,3,recovered,4,5,6":     ours,
		"1,2,4,5,3,6":               ours,
		"1,2,gap,5,6":               ours,
		"1,2,gap,3,6":               ours,
		"1,2,4,5,gap":               ours,
		"1,2,2,4,recovered,4,5,6":   stock,
		"1,skipped,skipped,5,6":     stockPoll,
		"1,skipped,3,skipped,5,6":   stockPoll,
		"1,skipped,gap,5,recovered": stockPoll,
	} {
		events := published
		if told == "1,skipped,gap,5,recovered" {
			events = published[:5]
		}
		if _, err := audit(k, events, len(events), notes(told)); err != nil {
			t.Errorf("%s, %v: %v", told, k, err)
		}
	}
}

func TestTheAuditNoticesWhatMayNotBe(t *testing.T) {
	for _, tc := range []struct {
		told string
		kind kind
		want string
	}{
		{"2,4,5,6", ours, "[1] are missing before event 2"},
		{"1,4,5,6", ours, "[2] are missing before event 4"},
		{"1,2,4,5", ours, "[6] are missing at the end"},
		{"1,recovered,4,5,6", ours, "[2] are missing before event 4"},
		{"1,2,gap,4,6", ours, "[5] are missing before event 6"},
		{"1,2,4,5,5,6", ours, "event 5 came twice"},
		{"1,2,3,4,3,5,6", ours, "event 3 came twice"},
		{"1,2,2,4,5,6", ours, "event 2 came twice"},
		{"1,1,2,4,5,6", stock, "event 1 came twice"},
		{"1,2,4,2,5,6", stock, "event 2 came twice"},
		{"1,gap,4,2,5,6", ours, "event 2 came behind 4"},
		{"1,2,4,5,6,7", ours, "there is no event 7"},
		{"1,2,skipped,5,6", ours, "cannot carry"},
		{"1,skipped,5,6", stockPoll, "[2 4] are missing before event 5"},
		{"1,skipped,skipped,6", stockPoll, "[2 4 5] are missing before event 6"},
		{"1,skipped,skipped,skipped,5,6", stockPoll, "3 events before 5"},
	} {
		if _, err := audit(tc.kind, published, len(published), notes(tc.told)); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s, %v: %v, want %q", tc.told, tc.kind, err, tc.want)
		}
	}
}

func TestAllChannelsMustAgreeOnWhatIsUncertain(t *testing.T) {
	events := slices.Clone(published)
	events[3].certain = false // and bytes
	for _, tc := range []struct {
		one, other string
		kind       kind // of the other
		agree      bool
	}{
		{"1,2,3,4,5,6", "1,2,3,4,5,6", ours, true},
		{"1,2,3,5,6", "1,2,5,6", ours, false},
		{"1,2,3,5,6", "1,2,5,3,6", ours, false},
		{"1,2,3,4,5,6", "1,2,4,3,5,6", ours, false},
		{"1,2,3,5,6", "1,2,gap,5,6", ours, true},
		{"1,2,3,4,5,6", "1,skipped,3,skipped,5,6", stockPoll, true},
		{"1,2,3,4,5,6", "1,skipped,skipped,5,6", stockPoll, false},
	} {
		same := newAgreement()
		first, err1 := audit(ours, events, len(events), notes(tc.one))
		second, err2 := audit(tc.kind, events, len(events), notes(tc.other))
		if err1 != nil || err2 != nil {
			t.Errorf("%q, %q: %v, %v", tc.one, tc.other, err1, err2)
		}
		err1, err2 = same.agree("one", ours, first), same.agree("the other", tc.kind, second)
		if err1 != nil || (err2 == nil) != tc.agree {
			t.Errorf("%q, %q: %v, %v", tc.one, tc.other, err1, err2)
		}
	}
}
