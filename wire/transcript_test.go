package wire_test

import (
	"encoding/hex"
	"encoding/json/v2"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/roost-dev/roost/wire"
)

// step is a line of a recorded exchange (spec/transcripts/README.md).
type step struct {
	Conn     string `json:"conn"`
	Dir      string `json:"dir"`
	Kind     string `json:"kind"`
	URL      string `json:"url"`
	Data     string `json:"data"`
	Code     int    `json:"code"`
	Response struct {
		Status int `json:"status"`
	} `json:"response"`
}

// frame returns the bytes of a frame, not ok if the recording abridged them.
func (s step) frame(t *testing.T) (data []byte, binary, ok bool) {
	t.Helper()
	if s.Kind != "binary" {
		return []byte(s.Data), false, !strings.Contains(s.Data, "...<")
	}
	data, err := hex.DecodeString(s.Data)
	if err != nil {
		t.Fatalf("recording: %v", err)
	}
	return data, true, true
}

func recordings(t *testing.T) map[string][]step {
	t.Helper()
	paths, err := filepath.Glob("../spec/transcripts/*.json")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no recordings: %v", err)
	}
	steps := make(map[string][]step)
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var recording []step
		if err := json.Unmarshal(data, &recording); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		steps[filepath.Base(path)] = recording
	}
	return steps
}

// negotiate returns the version of a recorded connection: of its last vsn.
func negotiate(t *testing.T, s step) (wire.Version, error) {
	t.Helper()
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatalf("recording: %v", err)
	}
	query := u.Query()
	if query.Has("vsn[]") {
		t.Fatal("a vsn that is no string is for the reader of the query to refuse")
	}
	if !query.Has("vsn") {
		return wire.V1, nil
	}
	vsns := query["vsn"]
	return wire.Negotiate(vsns[len(vsns)-1])
}

func TestRecordedNegotiations(t *testing.T) {
	for _, s := range recordings(t)["04_vsn.json"] {
		if s.Dir != "connect" || strings.Contains(s.URL, "vsn[]") || strings.Contains(s.URL, "%ff") {
			continue // these two are refused by the reader of the query
		}
		if v, err := negotiate(t, s); (err == nil) != (s.Response.Status == 101) {
			t.Errorf("%s: %v, %v, but Phoenix answered %d", s.URL, v, err, s.Response.Status)
		}
	}
}

// TestRecordedClientFrames: what made Phoenix close with 1011 is malformed,
// and nothing else is.
func TestRecordedClientFrames(t *testing.T) {
	decoded, refused := 0, 0
	for name, steps := range recordings(t) {
		versions := make(map[string]wire.Version)
		for i, s := range steps {
			if s.Dir == "connect" && s.Response.Status == 101 {
				versions[s.Conn], _ = negotiate(t, s)
			}
			data, binary, ok := s.frame(t)
			if s.Dir != "send" || s.Kind == "raw_frame" || !ok {
				continue
			}
			_, err := versions[s.Conn].DecodeClient(data, binary)
			if malformed := closedWith(steps[i+1:], s.Conn, 1011); (err != nil) != malformed {
				t.Errorf("%s: %q: error = %v, but Phoenix closed: %t", name, data, err, malformed)
			}
			if err == nil {
				decoded++
			} else {
				refused++
			}
		}
	}
	if decoded < 200 || refused < 20 {
		t.Errorf("only %d frames decoded and %d refused: the recordings were not read", decoded, refused)
	}
}

// closedWith reports whether the next thing that the client of conn saw was a
// close with this code.
func closedWith(steps []step, conn string, code int) bool {
	for _, s := range steps {
		if s.Conn == conn {
			return s.Dir == "recv" && s.Kind == "close" && s.Code == code
		}
	}
	return false
}

// TestRecordedServerFrames decodes what Phoenix sent and encodes it again, to
// the same bytes.
func TestRecordedServerFrames(t *testing.T) {
	seen := 0
	for name, steps := range recordings(t) {
		versions := make(map[string]wire.Version)
		for _, s := range steps {
			if s.Dir == "connect" && s.Response.Status == 101 {
				versions[s.Conn], _ = negotiate(t, s)
			}
			data, isBinary, ok := s.frame(t)
			if s.Dir != "recv" || (s.Kind != "text" && s.Kind != "binary") || !ok {
				continue
			}
			m, err := versions[s.Conn].DecodeServer(data, isBinary)
			if err != nil {
				t.Errorf("%s: %q: %v", name, data, err)
				continue
			}
			again, againBinary, err := appendServer(versions[s.Conn], m)
			if err != nil || string(again) != string(data) || againBinary != isBinary {
				t.Errorf("%s: %q became %q (binary: %t), %v", name, data, again, againBinary, err)
			}
			seen++
		}
	}
	if seen < 200 {
		t.Errorf("only %d frames seen: the recordings were not read", seen)
	}
}
