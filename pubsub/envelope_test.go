package pubsub_test

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/roost-dev/roost/pubsub"
)

// Nodes of two releases talk to each other: these bytes stay as they are.
var envelopeVectors = map[string]pubsub.Envelope{
	"010100" + "00" + "04726f6f6d" + "0165" + "00" + "00" + "7b7d": {
		Subject: "t:room", Kind: pubsub.KindMessage, Topic: "room", Event: "e", Payload: []byte(`{}`),
	},
	"010101" + "00" + "04726f6f6d" + "0165" + "00" + "00" + "00ff": {
		Subject: "t:room", Kind: pubsub.KindMessage, Topic: "room", Event: "e", Payload: []byte{0, 255}, Binary: true,
	},
	"010200" + "04693a3631" + "00" + "00" + "06757365723a37" + "00": {
		Subject: "i:61", Kind: pubsub.KindDisconnect, ID: "user:7",
	},
	"010300" + "04693a3631" + "04726f6f6d" + "00" + "06757365723a37" + "0472756465": {
		Subject: "i:61", Kind: pubsub.KindKick, Topic: "room", ID: "user:7", Reason: "rude",
	},
	"010401" + "0163" + "00" + "00" + "00" + "00" + "01026e31": {
		Subject: "c", Kind: pubsub.KindNode, Payload: []byte("\x01\x02n1"), Binary: true,
	},
	"01c800" + "00" + "8001" + strings.Repeat("78", 128) + "00" + "00" + "00": {
		Subject: "t:" + strings.Repeat("x", 128), Kind: 200, Topic: strings.Repeat("x", 128),
	},
}

func sameEnvelope(a, b pubsub.Envelope) bool { return equal(a, b) && bytes.Equal(a.Payload, b.Payload) }

func TestEnvelopesKeepTheirBytes(t *testing.T) {
	for encoded, e := range envelopeVectors {
		b, err := e.AppendBinary([]byte("before"))
		if got := hex.EncodeToString(b); err != nil || got != hex.EncodeToString([]byte("before"))+encoded {
			t.Errorf("%+v is appended as %s (%v), was %s", e, got, err, encoded)
		}
		if b, err = hex.DecodeString(encoded); err != nil {
			t.Fatal(err)
		}
		got := pubsub.Envelope{Subject: "old", Reason: "old", Binary: true}
		if err := got.UnmarshalBinary(b); err != nil || !sameEnvelope(got, e) {
			t.Errorf("%s is read as %+v (%v), want %+v", encoded, got, err, e)
		}
	}
}

func TestFlagsOfALaterReleaseAreIgnored(t *testing.T) {
	var e pubsub.Envelope
	if err := e.UnmarshalBinary([]byte("\x01\x01\xfe\x00\x01a\x01e\x00\x00p")); err != nil || e.Binary || string(e.Payload) != "p" {
		t.Errorf("read as %+v (%v)", e, err)
	}
}

func TestWhatIsNoEnvelopeIsAnError(t *testing.T) {
	e := pubsub.Envelope{Subject: "s", Kind: pubsub.KindKick, Topic: "room", Event: "e", ID: "user:7", Reason: "rude"}
	whole, err := e.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	bad := map[string][]byte{
		"a later version": append([]byte{2}, whole[1:]...),
		"a huge length":   append(whole[:3:3], 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 'a'),
		"an endless one":  append(whole[:3:3], bytes.Repeat([]byte{0xff}, 20)...),
	}
	for n := range whole {
		bad[string(rune('0'+n))+" bytes"] = whole[:n]
	}
	for what, b := range bad {
		if err := e.UnmarshalBinary(b); err == nil {
			t.Errorf("%s: read as %+v", what, e)
		}
	}
}

func TestANameThatIsTooLongDoesNotTravel(t *testing.T) {
	name := strings.Repeat("x", 1<<20)
	e := pubsub.Envelope{Kind: pubsub.KindMessage, Topic: name}
	if _, err := e.AppendBinary(nil); err != nil {
		t.Errorf("1 MiB: %v", err)
	}
	e.Event = name + "x"
	if _, err := e.AppendBinary(nil); err == nil || !strings.Contains(err.Error(), "1048577") {
		t.Errorf("more: %v", err)
	}
}

func FuzzUnmarshalEnvelope(f *testing.F) {
	for encoded := range envelopeVectors {
		b, err := hex.DecodeString(encoded)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var read, again pubsub.Envelope
		if read.UnmarshalBinary(b) != nil {
			return
		}
		if read.Subject == "" {
			t.Errorf("%x has no subject", b)
		}
		b, err := read.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := again.UnmarshalBinary(b); err != nil || !sameEnvelope(again, read) {
			t.Errorf("%+v comes back as %+v (%v)", read, again, err)
		}
	})
}
