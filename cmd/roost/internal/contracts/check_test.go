package contracts

import (
	"encoding/json/v2"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/roost-dev/roost/contract"
)

type (
	tree    struct{ Kids []tree }
	forest  struct{ Kids []forest }
	bush    struct{ Kids []bush2 }
	bush2   struct{ Kids []int }
	sized   struct{ A [2]int }
	resized struct{ A [3]int }
	odd     struct{ A struct{ B *odd } }
	even    struct{ B *struct{ A even } }
)

// Each change of a type is looked at from both sides: as one of what clients
// send, and of what they get.
func TestChangesOfTypes(t *testing.T) {
	for _, test := range []struct {
		name        string
		before, now any
		sent, got   string // what breaks; empty if nothing does
	}{
		{"none", struct{ A int }{}, struct{ A int }{}, "", ""},
		{"the order of fields", struct{ A, B int }{}, struct{ B, A int }{}, "", ""},
		{"the name of a type", tree{}, forest{}, "", ""},
		{"a field is added", struct{ A int }{}, struct{ A, B int }{}, "x.B is required now, and was not there", ""},
		{"an optional field is added", struct{}{}, struct {
			A int `json:",omitzero"`
		}{}, "", ""},
		{"a field is removed", struct{ A, B int }{}, struct{ A int }{}, "", "x.B was removed"},
		{"a field becomes optional", struct{ A int }{}, struct {
			A int `json:",omitzero"`
		}{}, "", "x.A is optional now"},
		{"a field becomes required", struct {
			A int `json:",omitzero"`
		}{}, struct{ A int }{}, "x.A is required now", ""},
		{"a value may be null", struct{ A int }{}, struct{ A *int }{}, "", "x.A may be null now"},
		{"a value is never null", struct{ A *int }{}, struct{ A int }{}, "x.A must not be null any more", ""},
		{"another type", struct{ A int }{}, struct{ A string }{},
			"x.A was integer (int64), and is string now", "x.A was integer (int64), and is string now"},
		{"a wider integer", struct{ A int32 }{}, struct{ A int64 }{}, "", "x.A was integer (int32), and is integer (int64) now"},
		{"a narrower integer", struct{ A int64 }{}, struct{ A int32 }{}, "x.A was integer (int64), and is integer (int32) now", ""},
		{"no negative integers", struct{ A int8 }{}, struct{ A uint64 }{}, "x.A was integer (int8), and is integer (uint64) now",
			"x.A was integer (int8), and is integer (uint64) now"},
		{"a wider integer, with negative ones", struct{ A uint8 }{}, struct{ A int16 }{}, "",
			"x.A was integer (uint8), and is integer (int16) now"},
		{"fractions", struct{ A int }{}, struct{ A float64 }{}, "", "x.A was integer (int64), and is number (float64) now"},
		{"no fractions", struct{ A float64 }{}, struct{ A int }{}, "x.A was number (float64), and is integer (int64) now", ""},
		{"a time", struct{ A string }{}, struct{ A time.Time }{}, "x.A was string, and is string (date-time) now", ""},
		{"bytes", struct{ A []byte }{}, struct{ A string }{}, "", "x.A was string (base64), and is string now"},
		{"a number as text", struct{ A int }{}, struct {
			A int `json:",string"`
		}{}, "x.A was integer (int64), and is string (integer) now", "x.A was integer (int64), and is string (integer) now"},
		{"anything", struct{ A int }{}, struct{ A any }{}, "", "x.A was integer (int64), and is any now"},
		{"not anything", struct{ A any }{}, struct{ A int }{}, "x.A was any, and is integer (int64) now", ""},
		{"the length of a list", sized{}, resized{}, "x.A was list of length 2, and is list of length 3 now",
			"x.A was list of length 2, and is list of length 3 now"},
		{"any length", sized{}, struct{ A []int }{}, "", "x.A was list of length 2, and is list now"},
		{"within a list", struct{ A []struct{ B int } }{}, struct{ A []struct{ B bool } }{},
			"x.A[].B was integer (int64), and is boolean now", "x.A[].B was integer (int64), and is boolean now"},
		{"within a map", struct{ A map[string]int }{}, struct{ A map[string]*int }{}, "", "x.A.* may be null now"},
		{"within itself", tree{}, bush{}, "x.Kids[].Kids[] was object, and is integer (int64) now",
			"x.Kids[].Kids[] was object, and is integer (int64) now"},
		{"within itself, under other names", odd{}, struct{ A even }{}, "", ""},
		{"a map", struct{}{}, map[string]int{}, "x was object, and is map now", "x was object, and is map now"},
	} {
		t.Run(test.name, func(t *testing.T) {
			before, now := withType(t, test.before), withType(t, test.now)
			sent := breaks(before("sent"), now("sent"))
			got := breaks(before("got"), now("got"))
			for _, c := range []struct {
				found []string
				wants string
			}{{sent, test.sent}, {got, test.got}} {
				if found := strings.Join(c.found, "; "); strings.ReplaceAll(found, "t: ", "") != c.wants {
					t.Errorf("found %q, want %q", found, c.wants)
				}
			}
		})
	}
}

// Each of many types may refer to all others, as those of a syntax tree do.
func TestTypesThatAllReferToEachOther(t *testing.T) {
	tangle := func(last contract.Kind) *contract.Contract {
		c := &contract.Contract{Types: map[string]contract.Type{}}
		for i := range 30 {
			node := contract.Type{Kind: contract.Object, Fields: []contract.Field{{Name: "last", Type: contract.Type{Kind: last}}}}
			for j := range 30 {
				node.Fields = append(node.Fields, contract.Field{Name: fmt.Sprint(j), Type: contract.Type{Kind: contract.Named, Ref: fmt.Sprint("a.N", j)}})
			}
			c.Types[fmt.Sprint("a.N", i)] = node
		}
		c.Channels = []contract.Channel{{Topic: "t", Out: []contract.Out{{Event: "x", Payload: contract.Type{Kind: contract.Named, Ref: "a.N0"}}}}}
		return c
	}
	if found := breaks(tangle(contract.String), tangle(contract.String)); len(found) > 0 {
		t.Errorf("found %q", found)
	}
	if found := breaks(tangle(contract.String), tangle(contract.Boolean)); len(found) != 30 {
		t.Errorf("found %q, want each type once", found)
	}
}

// withType returns a contract with an event x that has a payload like v.
func withType(t *testing.T, v any) func(direction string) *contract.Contract {
	t.Helper()
	return func(direction string) *contract.Contract {
		c := &contract.Contract{}
		form, err := c.Type(reflect.TypeOf(v))
		if err != nil {
			t.Fatal(err)
		}
		channel := contract.Channel{Topic: "t"}
		if direction == "sent" {
			channel.In = []contract.In{{Event: "x", Payload: form}}
		} else {
			channel.Out = []contract.Out{{Event: "x", Payload: form}}
		}
		c.Channels = []contract.Channel{channel}
		return c
	}
}

var (
	nothing = contract.Type{Kind: contract.Object}
	text    = contract.Type{Kind: contract.Object, Fields: []contract.Field{{Name: "text", Type: contract.Type{Kind: contract.String}}}}
)

func TestChangesOfChannels(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(c *contract.Contract)
		wants  string
	}{
		{"none", func(*contract.Contract) {}, ""},
		{"a channel is added", func(c *contract.Contract) { c.Channels = append(c.Channels, contract.Channel{Topic: "lobby"}) }, ""},
		{"a channel is removed", func(c *contract.Contract) { c.Channels = nil }, "room:{id}:{rest...} was removed"},
		{"another pattern", func(c *contract.Contract) { c.Channels[0].Topic = "rooms:{id}:{rest...}" }, "room:{id}:{rest...} was removed"},
		{"other names for its parameters", func(c *contract.Contract) { c.Channels[0].Topic = "room:{number}:{more...}" }, ""},
		{"an event is added", func(c *contract.Contract) {
			c.Channels[0].In = append(c.Channels[0].In, contract.In{Event: "whisper"})
			c.Channels[0].Out = append(c.Channels[0].Out, contract.Out{Event: "whispered"})
		}, ""},
		{"an event that clients push is removed", func(c *contract.Contract) { c.Channels[0].In = c.Channels[0].In[1:] }, "say was removed"},
		{"an event that clients get is removed", func(c *contract.Contract) { c.Channels[0].Out = nil }, "said was removed"},
		{"no reply", func(c *contract.Contract) { c.Channels[0].In[0].Reply = nil }, "say is not replied to any more"},
		{"a reply", func(c *contract.Contract) { c.Channels[0].In[1].Reply = &text }, ""},
		{"another reply", func(c *contract.Contract) { c.Channels[0].In[0].Reply = &nothing }, "reply to say.text was removed"},
		{"a reply says more", func(c *contract.Contract) { c.Channels[0].Joined = text }, ""},
		{"params ask for more", func(c *contract.Contract) { c.Channels[0].Params = text },
			"params of the join.text is required now, and was not there"},
		{"a reply to the join says less", func(c *contract.Contract) { c.Channels[0].Joined.Kind = contract.Any },
			"reply to the join was object, and is any now"},
		{"no presence", func(c *contract.Contract) { c.Channels[0].Metas = nil }, "presence meta was removed"},
		{"other metas", func(c *contract.Contract) { c.Channels[0].Metas[0] = nothing }, "presence meta.text was removed"},
		{"metas of another type, too", func(c *contract.Contract) { c.Channels[0].Metas = append(c.Channels[0].Metas, nothing) },
			"presence meta.text was removed"},
		{"a comment", func(c *contract.Contract) { c.Channels[0].In[0].Doc = "Says it." }, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			now := room()
			test.change(now)
			found := strings.Join(breaks(room(), now), "; ")
			if found = strings.ReplaceAll(found, "room:{id}:{rest...}: ", ""); found != test.wants {
				t.Errorf("found %q, want %q", found, test.wants)
			}
		})
	}
}

func room() *contract.Contract {
	return &contract.Contract{Channels: []contract.Channel{{
		Topic:  "room:{id}:{rest...}",
		Params: nothing,
		Joined: nothing,
		In:     []contract.In{{Event: "say", Payload: text, Reply: new(text)}, {Event: "typing", Payload: nothing}},
		Out:    []contract.Out{{Event: "said", Payload: text}},
		Metas:  slices.Clone([]contract.Type{text}),
	}}}
}

// What is saved is what was asked: nothing breaks between the two.
func TestAContractIsReadAsItWasWritten(t *testing.T) {
	saved := readContract(t, "testdata/shop.contract.json")
	data, err := json.Marshal(saved)
	if err != nil {
		t.Fatal(err)
	}
	again, err := decode(data)
	if err != nil || !reflect.DeepEqual(saved, again) {
		t.Errorf("read %+v (%v), want %+v", again, err, saved)
	}
	if found := breaks(saved, again); len(found) > 0 {
		t.Errorf("found %q", found)
	}
}

func TestBreakingChangesAreListed(t *testing.T) {
	saved := readContract(t, "testdata/shop.contract.json")
	saved.Channels = append(saved.Channels, contract.Channel{Topic: "attic"}, contract.Channel{Topic: "cellar:{floor}"})
	data, err := indented(saved)
	if err != nil {
		t.Fatal(err)
	}
	file := writeFile(t, "contract.json", data)
	_, err = runContract(t, "-check", file, "./testdata/shop")
	want := fmt.Sprintf("clients that know %s would break:\n\tattic was removed\n\tcellar:{floor} was removed\n", file)
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("the error is %v, want it to begin with %s", err, want)
	}
}
