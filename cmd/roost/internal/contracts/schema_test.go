package contracts

import (
	"context"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/roosttest"

	"github.com/roost-dev/roost/cmd/roost/internal/contracts/testdata/shop"
)

var (
	echoSorts   = roost.NewIn[shop.Sorts, shop.Sorts]("echo_sorts")
	echoOrder   = roost.NewIn[shop.NewOrder, shop.NewOrder]("echo_order")
	echoReceipt = roost.NewIn[shop.Receipt, shop.Receipt]("echo_receipt")
)

// newEcho returns a server that replies what was pushed, decoded and encoded.
func newEcho() *roost.Server[int] {
	server := roost.NewServer(func(context.Context, *roost.ConnectRequest) (int, error) { return 0, nil }, nil)
	h := roost.NewHandler(func(context.Context, *roost.Channel[int], *roost.Socket[int], struct{}) (roost.Ack, error) {
		return roost.Ack{}, nil
	}, nil)
	h.HandleIn(echoSorts, echo)
	h.HandleIn(echoOrder, echo)
	h.HandleIn(echoReceipt, echo)
	server.Handle("echo", h)
	return server
}

func echo[T any](_ context.Context, _ *roost.Channel[int], v T) (T, error) { return v, nil }

// echoSchemas returns the schemas of what the echo takes and gives, by event.
func echoSchemas(t testing.TB, server *roost.Server[int]) map[string]*jsonschema.Schema {
	t.Helper()
	c, err := server.Contract()
	if err != nil {
		t.Fatal(err)
	}
	written, err := asyncAPI(c, "echo")
	if err != nil {
		t.Fatal(err)
	}
	document := parse(t, written)
	found := map[string]*jsonschema.Schema{}
	for _, in := range c.Channels[0].In {
		found[in.Event] = compile(t, document, "#/channels/echo/messages/"+in.Event+"/payload")
	}
	return found
}

// Of random values of the application's types, what the server sends is what
// the schema says. Once something in it is of another kind than the schema
// allows, the server refuses it.
func FuzzTheServerKeepsToTheSchema(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(seed)
	}
	schemas := echoSchemas(f, newEcho())
	types := map[string]reflect.Type{
		"echo_sorts":   reflect.TypeFor[shop.Sorts](),
		"echo_order":   reflect.TypeFor[shop.NewOrder](),
		"echo_receipt": reflect.TypeFor[shop.Receipt](),
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		ch := roosttest.Connect(t, newEcho(), nil).Join("echo", nil)
		random := generator{rand.New(rand.NewPCG(seed, 0))}
		for event, goType := range types {
			value := reflect.New(goType).Elem()
			random.fill(value, 0)
			pushed := toJSON(t, value.Interface())
			reply := ch.PushRaw(event, jsontext.Value(pushed)).Reply()
			if err := schemas[event].Validate(parse(t, reply.Data)); err != nil {
				t.Errorf("the server sent %s: %v", reply.Data, err)
			}
			changed := parse(t, pushed)
			place := random.change(changed)
			if schemas[event].Validate(changed) == nil {
				continue // it is one of the places where any kind will do
			}
			t.Logf("an %s is changed at %s", event, place)
			if e := ch.PushRaw(event, changed).Error(); e.Reason != "invalid payload" {
				t.Errorf("the server answered %v", e)
			}
		}
	})
}

func toJSON(t *testing.T, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// generator makes random values.
type generator struct{ *rand.Rand }

const maxNesting = 5

func (g generator) fill(v reflect.Value, depth int) {
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.Unix(g.Int64N(253_402_300_800), g.Int64N(1e9)).UTC()))
		return
	case netip.Addr:
		v.Set(reflect.ValueOf(netip.AddrFrom4([4]byte{byte(g.Uint32())})))
		return
	case jsontext.Value:
		v.Set(reflect.ValueOf(jsontext.Value(`{"a":[1,null]}`)))
		return
	case shop.Money, shop.Color:
		return
	}
	some := g.IntN(3)
	if depth > maxNesting {
		some = 0
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(some > 0)
	case reflect.String:
		v.SetString([]string{"", "x", "Zoë \"</script>"}[some])
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(g.edge(v.Type().Bits()))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(g.edge(v.Type().Bits())) << (64 - v.Type().Bits()) >> (64 - v.Type().Bits()))
	case reflect.Float32, reflect.Float64:
		v.SetFloat([]float64{0, -1.5, math.MaxFloat32}[some])
	case reflect.Pointer:
		if some > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			g.fill(v.Elem(), depth+1)
		}
	case reflect.Interface:
		v.Set(reflect.ValueOf([]any{0.5, "text", []any{true, nil}}[some]))
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), some, some))
		fallthrough
	case reflect.Array:
		for i := range v.Len() {
			g.fill(v.Index(i), depth+1)
		}
	case reflect.Map:
		g.fillMap(v, some, depth)
	case reflect.Struct:
		for field, member := range v.Fields() {
			if field.IsExported() {
				g.fill(member, depth+1)
			} else if field.Anonymous {
				for _, promoted := range member.Fields() {
					g.fill(promoted, depth+1)
				}
			}
		}
	default:
		panic(fmt.Sprintf("no values of %v", v.Type()))
	}
}

// fillMap makes names that no field has.
func (g generator) fillMap(v reflect.Value, n, depth int) {
	v.Set(reflect.MakeMap(v.Type()))
	for i := range n {
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		if key.Kind() == reflect.String {
			key.SetString(fmt.Sprint("key ", i))
		} else {
			g.fill(key, depth)
		}
		g.fill(value, depth+1)
		v.SetMapIndex(key, value)
	}
}

// edge returns a number of some bits: the least, the greatest, or any.
func (g generator) edge(bits int) int64 {
	return [...]int64{0, -1 << (bits - 1), 1<<(bits-1) - 1, g.Int64() >> (64 - bits)}[g.IntN(4)]
}

// change puts something of another kind in the place of some value within v,
// and returns where. What takes the place of an object is none: one without
// the fields that the schema asks for would decode to zero values.
func (g generator) change(v any) string {
	type place struct {
		name   string
		before any
		set    func(any)
	}
	var places []place
	var collect func(v any, at string)
	collect = func(v any, at string) {
		switch v := v.(type) {
		case map[string]any:
			for _, name := range slices.Sorted(maps.Keys(v)) {
				places = append(places, place{at + "/" + name, v[name], func(other any) { v[name] = other }})
				collect(v[name], at+"/"+name)
			}
		case []any:
			for i := range v {
				at := fmt.Sprintf("%s/%d", at, i)
				places = append(places, place{at, v[i], func(other any) { v[i] = other }})
				collect(v[i], at)
			}
		}
	}
	collect(v, "")
	others := []any{true, "\u2603", 1e30, -300.5, []any{}, []any{"x"}, map[string]any{}}
	chosen := places[g.IntN(len(places))]
	if _, isObject := chosen.before.(map[string]any); isObject || chosen.before == nil {
		others = others[:len(others)-1]
	}
	chosen.set(others[g.IntN(len(others))])
	return chosen.name
}
