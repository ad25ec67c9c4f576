package nats

import (
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestSubjects(t *testing.T) {
	n, err := newNames("app.eu")
	if err != nil {
		t.Fatal(err)
	}
	for subject, want := range map[string]string{
		"t:room":        "app.eu.t:room",
		"t:room 1.*":    "app.eu.t:room%201%2E%2A",
		"t:>%":          "app.eu.t:%3E%25",
		"~hello":        "app.eu.%7Ehello",
		"a~":            "app.eu.a~",
		"":              "app.eu.%",
		"t:räksmörgås":  "app.eu.t:r%C3%A4ksm%C3%B6rg%C3%A5s",
		"a\r\nPUB x 1 ": "app.eu.a%0D%0APUB%20x%201%20",
	} {
		if got := n.subject(subject); got != want {
			t.Errorf("%q is %q, want %q", subject, got, want)
		}
	}
	long := strings.Repeat("x", maxToken)
	if got := n.subject(long); got != "app.eu."+long {
		t.Errorf("what just fits is %q", got)
	}
	if a, b := n.subject(long+"a"), n.subject(long+"b"); a == b || len(a) != len("app.eu.~")+43 || a[7] != '~' {
		t.Errorf("long subjects are %q and %q", a, b)
	}
}

// Random subjects, of bytes that are hard, come back by undoing the escapes.
func TestSubjectsAreReversible(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	n := names{"roost."}
	const hard = ".*>%~ \t\r\n\x00aZ0:/\xff\xc3\xa4"
	for range 20000 {
		b := make([]byte, 1+random.IntN(40))
		for i := range b {
			b[i] = hard[random.IntN(len(hard))]
		}
		token := strings.TrimPrefix(n.subject(string(b)), "roost.")
		if strings.ContainsAny(token, ".*> \t\r\n\x00") || token[0] == '~' {
			t.Fatalf("%q is %q, which NATS may misread", b, token)
		}
		if back, err := url.PathUnescape(token); err != nil || back != string(b) {
			t.Fatalf("%q is %q, which is %q, %v", b, token, back, err)
		}
	}
}
