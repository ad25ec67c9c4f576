//go:build linux

package bench

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/roost-dev/roost/internal/ws"
)

func TestATemplateIsTheFrameOfEachNumber(t *testing.T) {
	for _, topic := range []string{"t", "tt", "ttt", "tttt"} { // so that the number stands at each place of the mask
		payload, err := padded(64)
		if err != nil || len(payload) != 64 {
			t.Fatalf("%d bytes, %v", len(payload), err)
		}
		tmpl, err := newTemplate(topic, "shout", "s", payload)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range []uint64{0, 7, 1234567890, 9999999999} {
			frame, took, err := ws.Next(bytes.Clone(tmpl.with(n)))
			want := fmt.Sprintf(`["1","s",%q,"shout",%s]`, topic, strings.Replace(payload, placeholder, fmt.Sprintf("%010d", n), 1))
			if err != nil || took == 0 || string(frame.Payload) != want {
				t.Errorf("%d: %s, %v; want %s", n, frame.Payload, err, want)
			}
		}
	}
}

func TestANumberedTextMatchesOnlyWhatDiffersInTheNumber(t *testing.T) {
	var k numbered
	if _, ok := k.match([]byte(`["0000000007"]`)); ok {
		t.Error("it matches before it learned")
	}
	k.learn([]byte(`["1","0000000007",{}]`), 7)
	for text, want := range map[string]bool{
		`["1","0000000007",{}]`:  true,
		`["1","0000000123",{}]`:  true,
		`["2","0000000007",{}]`:  false,
		`["1","0000000007",[]]`:  false,
		`["1","00000000x7",{}]`:  false,
		`["1","0000000007",{} ]`: false,
		``:                       false,
	} {
		if n, ok := k.match([]byte(text)); ok != want {
			t.Errorf("%s: %d, %v", text, n, ok)
		}
	}
	if n, _ := k.match([]byte(`["1","0000000123",{}]`)); n != 123 {
		t.Errorf("the number is %d", n)
	}
}
