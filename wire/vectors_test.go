package wire_test

import (
	"encoding/hex"
	"encoding/json/v2"
	"os"
	"testing"

	"github.com/roost-dev/roost/wire"
)

// vector is a binary frame and what it says, in hex. The TypeScript client is
// held to the same ones.
type vector struct {
	Name    string  `json:"name"`
	Frame   string  `json:"frame"`
	JoinRef *string `json:"join_ref"`
	Ref     *string `json:"ref"`
	Topic   string  `json:"topic"`
	Event   string  `json:"event"`
	Status  string  `json:"status"`
	Mark    string  `json:"mark"`
	Data    string  `json:"data"`
}

func (v vector) plain(t *testing.T) plain {
	t.Helper()
	value := func(s *string) wire.Value {
		if s == nil {
			return wire.Value{}
		}
		return wire.String(*s)
	}
	return plain{value(v.JoinRef), value(v.Ref), wire.String(v.Topic), v.Event, v.Status, string(unhex(t, v.Data)), true}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	data, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestBinaryVectors(t *testing.T) {
	var vectors struct {
		Client    []vector `json:"client"`
		Server    []vector `json:"server"`
		Malformed []vector `json:"malformed"`

		MalformedClient []vector `json:"malformed_client"`
	}
	data, err := os.ReadFile("../spec/binary_vectors.json")
	if err == nil {
		err = json.Unmarshal(data, &vectors)
	}
	if err != nil || len(vectors.Client) == 0 || len(vectors.Server) == 0 || len(vectors.Malformed) == 0 || len(vectors.MalformedClient) == 0 {
		t.Fatalf("no vectors: %v", err)
	}
	for _, v := range vectors.Client {
		m, err := wire.V2.DecodeClient(unhex(t, v.Frame), true)
		if err != nil || plainClient(m) != v.plain(t) || m.Mark != v.Mark {
			t.Errorf("client's %s: got %+v, %v", v.Name, plainClient(m), err)
		}
		if frame, binary, err := wire.V2.AppendClient(nil, m); err != nil || !binary || hex.EncodeToString(frame) != v.Frame {
			t.Errorf("client's %s became %x, %v", v.Name, frame, err)
		}
	}
	for _, v := range vectors.Server {
		m, err := wire.V2.DecodeServer(unhex(t, v.Frame), true)
		if err != nil || plainServer(m) != v.plain(t) {
			t.Errorf("server's %s: got %+v, %v", v.Name, plainServer(m), err)
		}
		if frame, binary, err := appendServer(wire.V2, m); err != nil || !binary || hex.EncodeToString(frame) != v.Frame {
			t.Errorf("server's %s became %x, %v", v.Name, frame, err)
		}
	}
	for _, v := range vectors.MalformedClient {
		if m, err := wire.V2.DecodeClient(unhex(t, v.Frame), true); err == nil {
			t.Errorf("client's %s: got %+v", v.Name, plainClient(m))
		}
	}
	for _, v := range vectors.Malformed {
		if m, err := wire.V2.DecodeServer(unhex(t, v.Frame), true); err == nil {
			t.Errorf("%s: got %+v", v.Name, plainServer(m))
		}
	}
}
