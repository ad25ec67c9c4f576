package contracts

import (
	"bytes"
	"encoding/json/jsontext"
	"fmt"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/roost-dev/roost/contract"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

const metaSchema = "../../../../test/node_modules/@asyncapi/specs/schemas/3.0.0.json"

func readJSON(t testing.TB, file string) any {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, data)
}

func parse(t testing.TB, data []byte) any {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("%v in %s", err, data)
	}
	return v
}

// compile returns the schema at a place in a document.
func compile(t testing.TB, document any, place string) *jsonschema.Schema {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft7)
	compiler.AssertFormat()
	if err := compiler.AddResource("document.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("document.json" + place)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// The document is what the schema of AsyncAPI 3.0 asks for; `make
// test/node_modules` installs that.
func TestADocumentIsValidAsyncAPI(t *testing.T) {
	schema := compile(t, readJSON(t, metaSchema), "")
	document := readJSON(t, "testdata/shop.asyncapi.json").(map[string]any)
	if err := schema.Validate(document); err != nil {
		t.Errorf("%#v", err)
	}
	delete(document["operations"].(map[string]any)["shops.order"].(map[string]any), "action")
	if err := schema.Validate(document); err == nil {
		t.Error("an operation without an action passes, so this test finds nothing")
	}
}

// Every reference leads to something in the document, every schema is one, and
// every operation is about messages of its channel.
func TestADocumentIsWhole(t *testing.T) {
	document := readJSON(t, "testdata/shop.asyncapi.json").(map[string]any)
	walk(document, "#", func(place string, o map[string]any) {
		if ref, ok := o["$ref"].(string); ok && find(document, ref) == nil {
			t.Errorf("%s refers to %s, which is not there", place, ref)
		}
		if _, ok := o["payload"]; ok {
			compile(t, document, place+"/payload")
		}
	})
	for name, operation := range document["operations"].(map[string]any) {
		channel := operation.(map[string]any)["channel"].(map[string]any)["$ref"].(string)
		for _, message := range operation.(map[string]any)["messages"].([]any) {
			if ref := message.(map[string]any)["$ref"].(string); !strings.HasPrefix(ref, channel+"/messages/") {
				t.Errorf("operation %s on %s is about %s", name, channel, ref)
			}
		}
	}
}

// Whatever the events are called, a document tells them apart, and from the
// replies.
func TestMessagesOfADocumentAreToldApart(t *testing.T) {
	c := &contract.Contract{Channels: []contract.Channel{{
		Topic: "t", Params: nothing, Joined: nothing,
		In:  []contract.In{{Event: "refused", Payload: text, Reply: &nothing}, {Event: "said", Payload: text}},
		Out: []contract.Out{{Event: "said", Payload: nothing}},
	}}}
	data, err := asyncAPI(c, "example.com/t")
	if err != nil {
		t.Fatal(err)
	}
	messages := find(parse(t, data), "#/channels/t/messages").(map[string]any)
	// Two of the join, one to all that is refused, two of refused, and two that are called said.
	if got := slices.Sorted(maps.Keys(messages)); len(got) != 7 {
		t.Errorf("the messages are %q, want 7", got)
	}
}

// walk calls f for each object of a document, with its place.
func walk(v any, place string, f func(place string, o map[string]any)) {
	switch v := v.(type) {
	case map[string]any:
		f(place, v)
		for name, member := range v {
			walk(member, place+"/"+url.PathEscape(strings.NewReplacer("~", "~0", "/", "~1").Replace(name)), f)
		}
	case []any:
		for i, element := range v {
			walk(element, fmt.Sprintf("%s/%d", place, i), f)
		}
	}
}

// find returns what a reference leads to, or nil.
func find(document any, ref string) any {
	fragment, err := url.PathUnescape(strings.TrimPrefix(ref, "#"))
	if err != nil {
		return nil
	}
	at := document
	for token := range jsontext.Pointer(fragment).Tokens() {
		o, _ := at.(map[string]any)
		at = o[token]
	}
	return at
}
