// Package replay plays recorded exchanges with a Phoenix server (spec/transcripts) against another server and compares
// what comes back: frames, statuses, close codes, and their order. It speaks HTTP and WebSocket over plain TCP by
// itself, because the recordings hold requests and frames that no well-behaved client sends.
//
// What differs from run to run (phx_ref, online_at, tokens, dates) is not compared literally, but it must be used
// consistently: a phx_ref or a token seen twice in the recording is seen twice in the replay.
package replay

import (
	"encoding/hex"
	"encoding/json/v2"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A Transcript is one recorded exchange: its steps in the order in which the client saw or did them.
type Transcript struct {
	Name  string // the file's name without its folder, such as "09_join.json"
	Steps []Step
}

// A Step is one thing that the client did or saw. Its fields are those of spec/transcripts/README.md; Dir and Kind say
// which of them matter.
type Step struct {
	Index int `json:"-"` // position in the file; steps that a Difference brings in have that of the step they stand for

	Conn string `json:"conn"` // the connection's name; empty for server actions and notes
	Dir  string `json:"dir"`  // connect, send, recv, recv_nothing, http, server_action, note
	Kind string `json:"kind"` // of send and recv: text, binary, raw_frame, close, ping, pong, tcp_eof
	Note string `json:"note"`

	URL      string         `json:"url"` // path and query
	Method   string         `json:"method"`
	Headers  map[string]any `json:"headers"` // strings; under "_omitted" the list of standard headers left out
	Body     *string        `json:"body"`
	Response *Response      `json:"response"` // of http: nil if the client goes away after TookMS without one

	Data       string    `json:"data"` // text as it is, everything else in hex; see Payload
	Code       int       `json:"code"`
	Opcode     byte      `json:"opcode"`
	Opts       FrameOpts `json:"opts"`
	FrameByte0 string    `json:"frame_byte0"`

	Action   string `json:"action"`     // path and query of an HTTP action, or SIGTERM
	WithinMS int    `json:"within_ms"`  // of recv_nothing: how long the client waited
	AtMS     int    `json:"t_ms"`       // when the step ended, since the beginning
	TookMS   int    `json:"elapsed_ms"` // of http: from the request to the whole answer
}

// FrameOpts says in what a hand-made frame differs from a plain, final, masked one.
type FrameOpts struct {
	Fin  *bool `json:"fin"`  // nil: true
	RSV  byte  `json:"rsv"`  // the three reserved bits as a number; 4 is RSV1
	Mask *bool `json:"mask"` // nil: true
}

// A Response is the head and body of an HTTP answer.
type Response struct {
	Status  int         `json:"status"`
	Headers [][2]string `json:"headers"`
	Body    string      `json:"body"`
}

// header returns the value of the first header of that name, in any case, and whether there is one.
func (r *Response) header(name string) (string, bool) {
	for _, h := range r.Headers {
		if strings.EqualFold(h[0], name) {
			return h[1], true
		}
	}
	return "", false
}

// Load reads the transcript in a file.
func Load(path string) (Transcript, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return Transcript{}, err
	}
	t := Transcript{Name: filepath.Base(path)}
	if err := json.Unmarshal(data, &t.Steps); err != nil {
		return Transcript{}, fmt.Errorf("%s is not a transcript: %w", path, err)
	}
	for i := range t.Steps {
		t.Steps[i].Index = i
	}
	return t, nil
}

// began is when the step began, since the beginning of the recording.
func (s *Step) began() time.Duration { return s.at() - s.span() }

func (s *Step) at() time.Duration { return time.Duration(s.AtMS) * time.Millisecond }

// span is how long the step itself took.
func (s *Step) span() time.Duration {
	return time.Duration(s.TookMS+s.WithinMS) * time.Millisecond
}

func (s *Step) String() string {
	var words strings.Builder
	fmt.Fprintf(&words, "step %d", s.Index)
	for _, w := range []string{s.Conn, s.Dir, s.Kind, s.Method, s.URL} {
		if w != "" {
			words.WriteString(" " + clip(w))
		}
	}
	if s.Note != "" {
		words.WriteString(" (" + s.Note + ")")
	}
	return words.String()
}

// Payload returns the bytes of a frame, with what the recording elided put back.
func (s *Step) Payload() ([]byte, error) {
	prefix, size, elided, err := cutElision(s.Data)
	if err != nil {
		return nil, err
	}
	raw := []byte(prefix)
	if s.Kind != "text" {
		if raw, err = hex.DecodeString(prefix); err != nil {
			return nil, fmt.Errorf("data is not hex: %w", err)
		}
	}
	if !elided {
		return raw, nil
	}
	// Only messages of the form [.., {"d":"xxxx"}] were elided; the last fragment of one, or a whole one, ends it.
	tail := `"}]`
	if s.Opts.Fin != nil && !*s.Opts.Fin {
		tail = ""
	}
	missing := size - len(raw) - len(tail)
	if len(raw) == 0 || missing < 0 {
		return nil, fmt.Errorf("cannot restore %d bytes from %q", size, prefix)
	}
	filler := strings.Repeat(string(raw[len(raw)-1]), missing)
	return append(raw, filler+tail...), nil
}

// cutElision splits "prefix...<N bytes>" into the prefix and N.
func cutElision(data string) (prefix string, size int, elided bool, err error) {
	prefix, rest, found := strings.Cut(data, "...<")
	if !found {
		return data, 0, false, nil
	}
	size, err = strconv.Atoi(strings.TrimSuffix(rest, " bytes>"))
	if err != nil {
		return "", 0, false, fmt.Errorf("bad elision %q: %w", rest, err)
	}
	return prefix, size, true, nil
}

// clip shortens text for messages.
func clip(text string) string {
	const most = 400
	if len(text) <= most {
		return text
	}
	return fmt.Sprintf("%s...<%d bytes>", text[:most], len(text))
}
