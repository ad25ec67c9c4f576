package cluster

import (
	"bytes"
	"encoding/hex"
	"testing"
)

// Nodes of two releases talk to each other: these bytes stay as they are.
var frameVectors = map[string]frame{
	"01" + "026e31" + "00" + "00" + "7b7d":             {op: opHeartbeat, from: "n1", body: []byte(`{}`)},
	"02" + "026e31" + "00" + "00" + "7b7d":             {op: opGoodbye, from: "n1", body: []byte(`{}`)},
	"03" + "026e31" + "00" + "0173" + "00ff":           {op: opMessage, from: "n1", service: "s", body: []byte{0, 255}},
	"04" + "026e31" + "ac02" + "0470696e67" + "61":     {op: opCall, from: "n1", number: 300, service: "ping", body: []byte("a")},
	"05" + "026e31" + "ac02" + "00" + "":               {op: opAnswer, from: "n1", number: 300},
	"06" + "026e31" + "ac02" + "00" + "776879":         {op: opFailure, from: "n1", number: 300, body: []byte("why")},
	"07" + "026e31" + "ac02" + "00" + "":               {op: opCancel, from: "n1", number: 300},
	"08" + "026e31" + "ac02" + "00" + "70696e67":       {op: opUnserved, from: "n1", number: 300, body: []byte("ping")},
	"63" + "026e31" + "01" + "0173" + "6c61746572":     {op: 99, from: "n1", number: 1, service: "s", body: []byte("later")},
	"04" + "01ff" + "ffffffffffffffffff01" + "00" + "": {op: opCall, from: "\xff", number: 1<<64 - 1},
}

func sameFrame(a, b frame) bool {
	return a.op == b.op && a.from == b.from && a.number == b.number && a.service == b.service && bytes.Equal(a.body, b.body)
}

func TestFramesKeepTheirBytes(t *testing.T) {
	for encoded, f := range frameVectors {
		if got := hex.EncodeToString(f.encode()); got != encoded {
			t.Errorf("%+v is %s, was %s", f, got, encoded)
		}
		b, err := hex.DecodeString(encoded)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := decodeFrame(b); err != nil || !sameFrame(got, f) {
			t.Errorf("%s is read as %+v (%v), want %+v", encoded, got, err, f)
		}
	}
}

func TestWhatIsCutOffOrFromNobodyIsNoFrame(t *testing.T) {
	whole := frame{op: opCall, from: "node", number: 300, service: "ping"}.encode()
	for n := range whole {
		if f, err := decodeFrame(whole[:n]); err == nil {
			t.Errorf("%d of %d bytes are read as %+v", n, len(whole), f)
		}
	}
	if f, err := decodeFrame(frame{op: opHeartbeat}.encode()); err == nil {
		t.Errorf("a frame without a sender is read as %+v", f)
	}
}

func FuzzDecodeFrame(f *testing.F) {
	for encoded := range frameVectors {
		b, err := hex.DecodeString(encoded)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		read, err := decodeFrame(b)
		if err != nil {
			return
		}
		if again, err := decodeFrame(read.encode()); err != nil || !sameFrame(again, read) {
			t.Errorf("%+v comes back as %+v (%v)", read, again, err)
		}
	})
}
