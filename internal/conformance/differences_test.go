package main

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/roost-dev/roost/internal/conformance/replay"
)

// differences are the places of the recordings where Roost answers otherwise than Phoenix does, by choice. The reasons
// are in docs/differences.md.
var differences = []replay.Difference{
	{Row: "Idle sockets", File: "23_idle_timeout.json", Edit: func(t *replay.Transcript) {
		for _, i := range []int{1, 6, 11, 18, 22} {
			t.Step(i).Code = 1001
		}
	}},
	{Row: "Sockets at shutdown", File: "25_server_shutdown.json", Edit: func(t *replay.Transcript) {
		t.Step(14).Code = 1012
	}},
	{Row: "Message size", File: "21_max_frame_size.json", Edit: func(t *replay.Transcript) {
		t.Replace(14, 16, recv("text", echoed(t.Step(13))))
		t.Replace(20, 22, recv("text", echoed(t.Step(19))))
		t.Replace(42, 44, replay.Step{Dir: "recv_nothing", WithinMS: 250})
		for _, fragments := range []int{67, 73} {
			t.Replace(fragments, fragments+1, closed(1009)...)
		}
	}},
	{Row: "Compression of short messages", File: "07_upgrade_http.json", Edit: func(t *replay.Transcript) {
		for _, i := range []int{26, 28, 30} {
			t.Step(i).FrameByte0 = ""
		}
	}},
	{Row: "Empty join_ref in a binary push", File: "18_binary.json", Edit: func(t *replay.Transcript) {
		t.Replace(29, 30, recv("binary", "01"+"01020602"+"31"+"3132"+"6563686f3a62"+"6f6b"+"78"))
	}},
	{Row: "Badly encoded auth token", File: "08_auth_token.json", Edit: func(t *replay.Transcript) {
		t.Step(15).Response = &replay.Response{Status: 403}
	}},
	{Row: "Binary event for a long-poll client", File: "30_longpoll.json", Edit: func(t *replay.Transcript) {
		const crashed = `["1","1","echo:lp","phx_error",{"reason":"channel_crash"}]`
		join, joined := *t.Step(1), *t.Step(2)
		t.Answer(10, 2, pollBody(t, crashed))
		t.Step(12).Response.Body = pollBody(t, `[null,null,"echo:lp","shout",{"n":1}]`, crashed)
		t.Replace(13, 13, join, joined)
		t.Replace(11, 11, join, joined)
	}},
	{Row: "Long-poll line that does not parse", File: "31_longpoll_v1.json", Edit: func(t *replay.Transcript) {
		t.Answer(5, 4, `{"status":400}`)
		t.Answer(11, 10, `{"status":400}`)
	}},
	{Row: "Dead long-poll session", File: "33_longpoll_timing.json", Edit: func(t *replay.Transcript) {
		for _, i := range []int{13, 14, 18} {
			t.AtOnce(i)
		}
	}},
	{Row: "Dead long-poll session", File: "35_longpoll_disconnect.json", Edit: func(t *replay.Transcript) {
		t.AtOnce(4)
		t.AtOnce(5)
	}},
}

func recv(kind, data string) replay.Step { return replay.Step{Dir: "recv", Kind: kind, Data: data} }

func closed(code int) []replay.Step {
	return []replay.Step{{Dir: "recv", Kind: "close", Code: code}, recv("tcp_eof", "")}
}

// echoed is the reply to a ping, which gives its payload back.
func echoed(ping *replay.Step) string {
	sent, err := ping.Payload()
	if err != nil {
		panic(err)
	}
	_, payload, _ := strings.Cut(strings.TrimSuffix(string(sent), "]"), `"ping",`)
	return `["1","2","echo:1","phx_reply",{"response":` + payload + `,"status":"ok"}]`
}

// pollBody is the answer to a poll of the first session of a file, with these messages.
func pollBody(t *replay.Transcript, messages ...string) string {
	_, token, _ := strings.Cut(t.Step(0).Response.Body, `"token":`)
	for i, m := range messages {
		messages[i] = `"` + strings.ReplaceAll(m, `"`, `\"`) + `"`
	}
	return `{"messages":[` + strings.Join(messages, ",") + `],"status":200,"token":` + token
}

func TestEveryDifferenceHasItsRow(t *testing.T) {
	shownBy := readRows(t)
	for _, d := range differences {
		if !slices.Contains(shownBy[d.Row], strings.TrimSuffix(d.File, ".json")) {
			t.Errorf("docs/differences.md has no row %q that names %s", d.Row, d.File)
		}
	}
	for row, names := range shownBy {
		for _, name := range names {
			_, recorded := os.Stat("../../spec/transcripts/" + name + ".json")
			_, ours := os.Stat("testdata/" + name + ".json")
			if recorded != nil && ours != nil && name != "all" {
				t.Errorf("docs/differences.md says that %q is shown by %s, which there is not", row, name)
			}
		}
	}
}

// readRows reads which transcripts show what docs/differences.md says, by the title of the row.
func readRows(t *testing.T) map[string][]string {
	t.Helper()
	page, err := os.ReadFile("../../docs/differences.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string][]string{}
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(line, "|")
		if len(cells) != 7 || cells[1] == " What " || strings.HasPrefix(cells[1], "-") {
			continue
		}
		rows[strings.TrimSpace(cells[1])] = strings.Split(strings.TrimSpace(cells[5]), ", ")
	}
	return rows
}
