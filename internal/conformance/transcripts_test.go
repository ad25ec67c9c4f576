package main

import (
	"bufio"
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/roost-dev/roost/internal/conformance/replay"
)

var targetAddr = flag.String("target", "", "replay against the server at this host:port, which must be the conformance application, "+
	"one transcript after another; without it each transcript gets a server of its own")

// apart names the connections of long transcripts that cannot see each other, so that they are replayed side by side.
var apart = map[string][][]string{
	"21_max_frame_size.json":  {{"D"}, {"E"}},
	"23_idle_timeout.json":    {{"A"}, {"B"}, {"C"}, {"D"}, {"E"}},
	"33_longpoll_timing.json": {{"A"}, {"B"}, {"D"}, {"C", "C1", "C2"}},
}

// TestTranscripts replays what was recorded from Phoenix, and what spec/transcripts has no file for but Roost promises.
func TestTranscripts(t *testing.T) {
	var files []string
	for _, folder := range []string{"../../spec/transcripts", "testdata"} {
		found, err := filepath.Glob(filepath.Join(folder, "[0-9]*.json"))
		if err != nil || len(found) == 0 {
			t.Fatalf("no transcripts in %s: %v", folder, err)
		}
		files = append(files, found...)
	}
	bin := ""
	if *targetAddr == "" {
		bin = build(t)
	}
	replayAll(t, files, bin)
	if bin != "" {
		t.Run("without the poller", func(t *testing.T) { replayAll(t, files, bin, "-no-poller") })
	}
}

func replayAll(t *testing.T, files []string, bin string, flags ...string) {
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			transcript, err := replay.Load(file)
			if err != nil {
				t.Fatal(err)
			}
			target := replay.Target{Addr: *targetAddr}
			if bin != "" {
				// A server each, because the recordings use the same topics and users.
				t.Parallel()
				target = start(t, bin, flags...)
			} else if endsTheServer(transcript) {
				t.Skip("it ends the server, and that of -target is not ours")
			}
			play(t, transcript.With(differences), target)
		})
	}
}

func endsTheServer(t replay.Transcript) bool {
	for _, s := range t.Steps {
		if s.Action == "SIGTERM" {
			return true
		}
	}
	return false
}

func play(t *testing.T, transcript replay.Transcript, target replay.Target) {
	t.Helper()
	var parts sync.WaitGroup
	for _, part := range transcript.Split(apart[transcript.Name]) {
		parts.Go(func() {
			if err := replay.Play(t.Context(), part, target); err != nil {
				t.Error(err)
			}
		})
	}
	parts.Wait()
}

// build compiles the application, with the race detector if the test has it.
func build(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "conformance")
	args := []string{"build", "-o", bin}
	if raceEnabled {
		args = append(args, "-race")
	}
	if out, err := exec.Command("go", append(args, ".")...).CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return bin
}

// start runs the application until the test ends, and fails the test if it does not end well.
func start(t *testing.T, bin string, flags ...string) replay.Target {
	t.Helper()
	cmd := exec.Command(bin, append(flags, "-addr", "127.0.0.1:0")...)
	cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0") // a second for each server otherwise
	var log bytes.Buffer
	cmd.Stderr = &log
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM) // it may have had one
		stuck := time.AfterFunc(20*time.Second, func() { cmd.Process.Signal(syscall.SIGQUIT) })
		if err := cmd.Wait(); err != nil {
			t.Errorf("the server ended with %v", err)
		}
		stuck.Stop()
		if t.Failed() {
			t.Logf("the server said:\n%s", log.Bytes())
		}
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	addr, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if err != nil || !ok {
		t.Fatalf("the server said %q, %v", line, err)
	}
	return replay.Target{Addr: addr, Signal: func(s os.Signal) error { return cmd.Process.Signal(s) }}
}

// TestReplayNoticesWhatDiffers makes sure that the replay can fail: each change of a recording must be noticed.
func TestReplayNoticesWhatDiffers(t *testing.T) {
	if *targetAddr != "" {
		t.Skip("it needs a server of its own")
	}
	bin := build(t)
	for name, change := range map[string]replay.Difference{
		"a payload":         {File: "03_v2_basic.json", Edit: func(t *replay.Transcript) { edit(t.Step(6), `"a":1`, `"a":2`) }},
		"a join_ref":        {File: "03_v2_basic.json", Edit: func(t *replay.Transcript) { edit(t.Step(16), `["3",`, `[null,`) }},
		"the order":         {File: "03_v2_basic.json", Edit: func(t *replay.Transcript) { swap(t.Step(18), t.Step(19)) }},
		"a missing frame":   {File: "03_v2_basic.json", Edit: expectTooMuch},
		"a frame too many":  {File: "03_v2_basic.json", Edit: func(t *replay.Transcript) { t.Replace(24, 25) }},
		"silence broken":    {File: "03_v2_basic.json", Edit: func(t *replay.Transcript) { edit(t.Step(25), "noreply", "reply_atom") }},
		"a close code":      {File: "12_push.json", Edit: func(t *replay.Transcript) { t.Step(54).Code = 1002 }},
		"binary data":       {File: "18_binary.json", Edit: func(t *replay.Transcript) { edit(t.Step(7), "feff", "feed") }},
		"a phx_ref":         {File: "24_presence.json", Edit: func(t *replay.Transcript) { edit(t.Step(13), "GOqex7yR42rhWgZh", "another") }},
		"a status":          {File: "04_vsn.json", Edit: func(t *replay.Transcript) { t.Step(9).Response = &replay.Response{Status: 400} }},
		"a chosen protocol": {File: "07_upgrade_http.json", Edit: func(t *replay.Transcript) { t.Step(20).Response = t.Step(21).Response }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transcript, err := replay.Load(filepath.Join("../../spec/transcripts", change.File))
			if err != nil {
				t.Fatal(err)
			}
			err = replay.Play(t.Context(), transcript.With(append(slices.Clone(differences), change)), start(t, bin))
			if err == nil {
				t.Error("it was not noticed")
			} else {
				t.Log(err)
			}
		})
	}
}

// expectTooMuch has a reply to what gets none, in a transcript that does not wait long for it.
func expectTooMuch(t *replay.Transcript) {
	t.Replace(26, 27, *t.Step(10))
	for i := 26; i < len(t.Steps); i++ {
		t.Step(i).AtMS += 1000
	}
}

func edit(s *replay.Step, from, to string) { s.Data = strings.Replace(s.Data, from, to, 1) }

func swap(a, b *replay.Step) { a.Data, b.Data = b.Data, a.Data }
