package longpoll

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestABodyIsReadAsMessages(t *testing.T) {
	const limit = 16
	b64 := base64.StdEncoding.EncodeToString
	tests := []struct {
		name  string
		lines bool
		body  string
		want  []string // binary ones in hexadecimal behind "0x"
	}{
		{"lines of text and of base64", true, "[1]\n" + b64([]byte{0, 255}) + "\n[2]", []string{"[1]", "0x00ff", "[2]"}},
		{"lines may end in CRLF", true, "[1]\r\n" + b64([]byte{1}) + "\r\n[2]\r\n", []string{"[1]", "0x01", "[2]"}},
		{"blank lines say nothing", true, "\n[1]\n\r\n  \n[2]\n", []string{"[1]", "[2]"}},
		{"an empty body says nothing", true, "", nil},
		{"a V1 object on a line is not base64", true, "[1]\n{\"topic\":1}\n[2]", []string{"[1]", "error"}},
		{"a space in front of an array is not base64", true, " [1]", []string{"error"}},
		{"base64 wants its padding", true, "AA", []string{"error"}},
		{"base64 is not that of URLs", true, "_-8=", []string{"error"}},
		{"base64 has no carriage returns in it", true, "AA\rE=", []string{"error"}},
		{"text is UTF-8", true, "[\"\xff\"]", []string{"error"}},
		{"any other text is UTF-8", false, "{\xff}", []string{"error"}},
		{"nothing is read behind an error", true, "!\n[1]", []string{"error"}},
		{"text of the largest size", true, "[" + strings.Repeat("1", limit-1), []string{"[" + strings.Repeat("1", limit-1)}},
		{"text over the size", true, "[" + strings.Repeat("1", limit), []string{"error"}},
		{"binary of the largest size", true, b64(make([]byte, limit)), []string{"0x" + strings.Repeat("00", limit)}},
		{"binary over the size", true, b64(make([]byte, limit+1)), []string{"error"}},

		{"any other body is one message of text", false, "{\"a\":\n1}", []string{"{\"a\":\n1}"}},
		{"any other body over the size", false, strings.Repeat("1", limit+1), []string{"error"}},
		{"any other empty body says nothing", false, "", nil},
		{"any other blank body says nothing", false, "\r\n", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := read(batch{body: []byte(tt.body), lines: tt.lines}, limit); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestOnlyAHundredLinesAreRead(t *testing.T) {
	body := strings.Repeat("[]\n", 3*maxLines)
	if got := len(read(batch{body: []byte(body), lines: true}, 10)); got != 100 {
		t.Errorf("read %d lines, want 100", got)
	}
	if got := read(batch{body: []byte(strings.Repeat("\n", maxLines) + "[]"), lines: true}, 10); got != nil {
		t.Errorf("blank lines were not counted: got %q", got)
	}
}

// read returns the messages of b as the tests write them.
func read(b batch, limit int) []string {
	var all []string
	for m, err := range b.messages(limit) {
		switch {
		case err != nil:
			all = append(all, "error")
		case m.binary:
			all = append(all, fmt.Sprintf("0x%x", m.data))
		default:
			all = append(all, string(m.data))
		}
	}
	return all
}

func FuzzBatch(f *testing.F) {
	f.Add([]byte("[1]\nAAE=\r\n\n[2]"), true)
	f.Add([]byte("{}"), false)
	f.Add([]byte(strings.Repeat("[\n", 101)), true)
	f.Fuzz(func(t *testing.T, body []byte, lines bool) {
		const limit = 64
		original := bytes.Clone(body)
		n, failed := 0, false
		for m, err := range (batch{body: body, lines: lines}).messages(limit) {
			if failed {
				t.Fatal("something follows an error")
			}
			n++
			failed = err != nil
			switch {
			case failed:
				if m.data != nil {
					t.Fatal("an error with data")
				}
			case len(m.data) > limit:
				t.Fatalf("a message of %d bytes", len(m.data))
			case m.binary && !bytes.Contains(body, []byte(base64.StdEncoding.EncodeToString(m.data))[:len(m.data)/3*4]):
				t.Fatalf("%x is not in %q", m.data, body)
			case !m.binary && (len(m.data) == 0 || !utf8.Valid(m.data) || !bytes.Contains(body, m.data)):
				t.Fatalf("%q is not in %q", m.data, body)
			}
		}
		if n > maxLines || !lines && n > 1 {
			t.Fatalf("%d messages", n)
		}
		if !bytes.Equal(original, body) {
			t.Fatal("the body was changed")
		}
	})
}
