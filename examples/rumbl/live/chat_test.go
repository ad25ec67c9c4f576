package live

import (
	"fmt"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost/roosttest"
)

func TestAMessageReachesAllOthersAndThoseWhoComeLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, nil)
		adas, graces := s.viewer("ada").Join(s.topic, nil), s.viewer("grace").Join(s.topic, nil)
		said := adas.Call(NewMessage, MessageInput{Body: " Hello "})
		if said.Body != "Hello" || said.User.Username != "ada" || said.SentAt != time.Now().UnixMilli() {
			t.Errorf("said: %+v", said)
		}
		if got := graces.ExpectPush(MessageAdded); got != said {
			t.Errorf("grace got %+v, want %+v", got, said)
		}
		for i := range lastMessages {
			graces.Call(NewMessage, MessageInput{Body: fmt.Sprint("message ", i)})
		}
		late := s.viewer("edith").Join(s.topic, nil).JoinReply[Joined]().Messages
		if len(late) != lastMessages || late[0].Body != "message 0" || late[lastMessages-1].Body != fmt.Sprint("message ", lastMessages-1) {
			t.Errorf("one who comes later gets %d messages: %+v", len(late), late)
		}
	})
}

// untilTyping waits until presence has told that a user is writing, or not any
// more, and returns how many diffs said something else of him.
func untilTyping(t *testing.T, ch *roosttest.Channel, userID int64, typing bool) (others int) {
	t.Helper()
	for ; ; others++ {
		var diff struct {
			Joins present `json:"joins"`
		}
		decodePresent(t, ch.ExpectEvent("presence_diff"), &diff)
		entry, ok := diff.Joins[strconv.FormatInt(userID, 10)]
		if ok && entry.Metas[0].Typing == typing {
			return others
		}
	}
}

func TestOneWhoIsWritingIsSeenToUntilHeStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, nil)
		ada := s.register("ada")
		graces, adas := s.viewer("grace").Join(s.topic, nil), s.connect(s.logIn(ada)).Join(s.topic, nil)
		untilTyping(t, graces, ada.ID, false) // she comes

		begun := time.Now()
		const goesOnFor = 10 * time.Second
		for time.Since(begun) < goesOnFor {
			adas.Push(StartTyping, Typing{})
			time.Sleep(time.Second) // of virtual time
		}
		if others := untilTyping(t, graces, ada.ID, true); others != 0 {
			t.Errorf("%d diffs before it", others)
		}
		if others := untilTyping(t, graces, ada.ID, false); others != 0 {
			t.Errorf("%d diffs while she went on writing, want none", others)
		}
		if lasted := time.Since(begun); lasted < goesOnFor-time.Second+typingFor || lasted > goesOnFor+typingFor {
			t.Errorf("it was shown for %v", lasted)
		}
	})
}

func TestOneWhoHasSentWhatHeWroteIsNotWriting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, nil)
		ada := s.register("ada")
		graces, adas := s.viewer("grace").Join(s.topic, nil), s.connect(s.logIn(ada)).Join(s.topic, nil)
		for name, send := range map[string]func(){
			"an annotation": func() { adas.Call(NewAnnotation, AnnotationInput{Body: "x"}) },
			"a message":     func() { adas.Call(NewMessage, MessageInput{Body: "x"}) },
		} {
			adas.Push(StartTyping, Typing{})
			untilTyping(t, graces, ada.ID, true)
			began := time.Now()
			send()
			untilTyping(t, graces, ada.ID, false)
			if time.Since(began) >= typingFor {
				t.Errorf("%s: shown until it would have ended by itself", name)
			}
		}
	})
}
