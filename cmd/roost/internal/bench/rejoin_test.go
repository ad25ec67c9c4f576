//go:build linux

package bench

import (
	"strings"
	"testing"

	"github.com/roost-dev/roost/cmd/roost/internal/load"
)

const (
	recoveringReply = `["1","1","log:x","phx_reply",{"status":"ok","response":{"_history":{"position":"e.1.","recovered":true}}}]`
	firstMissed     = `[null,"e.2.","log:x","shout",{"n":1}]`
	secondMissed    = `[null,"e.3.","log:x","shout",{"n":2}]`
	allMissed       = `[null,"e.3.","log:x","_history",{"recovered":2}]`
	plainReply      = `["1","1","log:x","phx_reply",{"status":"ok","response":{}}]`
)

// rejoinOfTwo is one without a server.
func rejoinOfTwo(t *testing.T, missed ...string) *rejoin {
	t.Helper()
	j, err := newRejoin(&rig{}, &load.Loop{}, 2, "log:x", "{}", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range missed {
		j.missed = append(j.missed, []byte(text))
	}
	return j
}

func (j *rejoin) tell(texts ...string) {
	for _, text := range texts {
		j.Message(&load.Conn{}, []byte(text))
	}
}

func TestARejoinIsOverWithAllThatWasMissed(t *testing.T) {
	j := rejoinOfTwo(t, firstMissed, secondMissed)
	const heartbeat = `[null,"beat","phoenix","phx_reply",{"status":"ok","response":{}}]`
	for i, text := range []string{heartbeat, recoveringReply, firstMissed, heartbeat, secondMissed, allMissed, heartbeat} {
		if over := j.back != 0; over != (i > 5) {
			t.Fatalf("before message %d over is %v", i, over)
		}
		j.tell(text)
	}
	if j.back != 1 || j.err != nil {
		t.Errorf("%d are back, %v", j.back, j.err)
	}
	plain := rejoinOfTwo(t)
	if plain.tell(plainReply); plain.back != 1 || plain.err != nil {
		t.Errorf("plain: %d are back, %v", plain.back, plain.err)
	}
}

func TestARejoinNotices(t *testing.T) {
	for name, texts := range map[string][]string{
		"a loss":             {recoveringReply, secondMissed},
		"a duplicate":        {recoveringReply, firstMissed, firstMissed},
		"disorder":           {firstMissed, recoveringReply},
		"an end too early":   {recoveringReply, firstMissed, allMissed},
		"one too many":       {recoveringReply, firstMissed, secondMissed, secondMissed},
		"a wrong count":      {recoveringReply, firstMissed, secondMissed, strings.Replace(allMissed, "2}", "3}", 1)},
		"more behind it all": {recoveringReply, firstMissed, secondMissed, allMissed, secondMissed},
		"nothing recovered":  {strings.Replace(recoveringReply, "true", "false", 1)},
		"a refusal":          {strings.Replace(recoveringReply, `"ok"`, `"error"`, 1)},
		"another topic":      {strings.Replace(recoveringReply, "log:x", "log:y", 1)},
		"an end":             {recoveringReply, `["1","1","log:x","phx_error",{}]`},
	} {
		t.Run(name, func(t *testing.T) {
			j := rejoinOfTwo(t, firstMissed, secondMissed)
			if j.tell(texts...); j.err == nil || !strings.Contains(j.err.Error(), "connection 0") {
				t.Errorf("%v", j.err)
			}
		})
	}
	plain := rejoinOfTwo(t)
	if plain.tell(plainReply, firstMissed); plain.err == nil {
		t.Error("an event after a plain join goes unnoticed")
	}
}
