package contracts

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/roost-dev/roost/contract"
)

func TestNamesOfTypes(t *testing.T) {
	for _, test := range []struct {
		name  string
		wants map[string]string
	}{
		{"of one package", map[string]string{"a.com/shop.Item": "Item", "a.com/shop.order": "Order"}},
		{"the same in two packages", map[string]string{"a.com/shop.Item": "ShopItem", "a.com/stock.Item": "StockItem"}},
		{"the same in packages of one name", map[string]string{"a.com/one/shop.Item": "OneShopItem", "a.com/two/shop.Item": "TwoShopItem"}},
		{"exported and not", map[string]string{"a.com/shop.Item": "Item", "a.com/shop.item": "Item2"}},
		{"of the client", map[string]string{"a.com/shop.Channel": "ShopChannel", "main.Socket": "MainSocket"}},
		{"longer with the name of another", map[string]string{"a.com/shop.Item": "AComShopItem", "b.com/shop.Item": "BComShopItem", "a.com/x.ShopItem": "XShopItem"}},
		{"generic", map[string]string{"a.com/shop.Page[a.com/shop.Item]": "PageItem", "a.com/shop.Map[string,[]a.com/shop.Item]": "MapStringItem"}},
		{"generic, of two types", map[string]string{
			"a.com/shop.Page[a.com/shop.Item]": "PageShopItem", "a.com/shop.Page[a.com/stock.Item]": "PageStockItem",
		}},
	} {
		c := &contract.Contract{Types: map[string]contract.Type{}}
		for ref := range test.wants {
			c.Types[ref] = contract.Type{}
		}
		if got := typeNames(c, "Channel", "Socket"); !maps.Equal(got, test.wants) {
			t.Errorf("%s: named %v, want %v", test.name, got, test.wants)
		}
	}
}

func TestNamesOfChannels(t *testing.T) {
	for _, wants := range []map[string]string{
		{"lobby": "lobby", "videos:{id}": "videos", "Big-Rooms:*": "bigRooms", "chat_room:{id}:admin": "chatRoomAdmin"},
		{"videos:{id}": "videosId", "videos:*": "videosRest"},
		{"videos:{id}": "videos", "videos:{id}:{part}": "videosIdPart"},
		{"*": "rest", "{tenant}:{room}": "tenantRoom"},
		{"new:{id}": "newChannel", "2048": "channel2048", "☃": "channel"},
		{"Room": "room", "room": "room2"},
	} {
		c := &contract.Contract{}
		for _, topic := range slices.Sorted(maps.Keys(wants)) {
			c.Channels = append(c.Channels, contract.Channel{Topic: topic})
		}
		if got := channelNames(c); !maps.Equal(got, wants) {
			t.Errorf("named %v, want %v", got, wants)
		}
	}
}

// No interface of a channel has a name that the module has already.
func TestChannelsAreNamedApart(t *testing.T) {
	c := &contract.Contract{Types: map[string]contract.Type{"a.com/shop.Order": {Kind: contract.Object}}}
	for _, topic := range []string{"channel:{id}", "noReply", "order:{id}", "order_channel", "socket:*"} {
		c.Channels = append(c.Channels, contract.Channel{Topic: topic})
	}
	written := string(typeScript(c, "a.com/shop"))
	for _, name := range []string{"ChannelChannel", "NoReplyChannel", "OrderChannel", "OrderChannelChannel", "SocketChannel", "Order"} {
		if strings.Count(written, "export interface "+name+" {") != 1 {
			t.Errorf("no interface %s, or several, in\n%s", name, written)
		}
	}
}

func TestParametersOfATopicAreNamedApart(t *testing.T) {
	for topic, want := range map[string]string{
		"files:{owner}:*": "owner rest", "files:{rest}:*": "rest rest2", "files:{rest}:{rest2}:*": "rest rest2 rest3", "files:{rest...}": "rest",
	} {
		var names []string
		for _, part := range parseTopic(topic) {
			if part.name != "" {
				names = append(names, part.name)
			}
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("those of %s are named %s, want %s", topic, got, want)
		}
	}
}

// Not all that is a letter or a number to Go may stand in a name of JavaScript.
func TestPropertiesAreQuotedWhereTheyMust(t *testing.T) {
	for name, want := range map[string]string{
		"total": "total", "größe": "größe", "item2": "item2", "$": "$", "m²": `"m²"`, "½": `"½"`, "2nd": `"2nd"`, "a-b": `"a-b"`, "": `""`,
	} {
		if got := key(name); got != want {
			t.Errorf("%q is written %s, want %s", name, got, want)
		}
	}
}

// Whatever order maps have, the files stay the same.
func TestWhatIsWrittenDependsOnTheContractAlone(t *testing.T) {
	ts, err := os.ReadFile("testdata/shop.ts")
	if err != nil {
		t.Fatal(err)
	}
	document, err := os.ReadFile("testdata/shop.asyncapi.json")
	if err != nil {
		t.Fatal(err)
	}
	const from = "github.com/roost-dev/roost/cmd/roost/internal/contracts/testdata/shop"
	for range 50 {
		c := readContract(t, "testdata/shop.contract.json")
		if got := typeScript(c, from); string(got) != string(ts) {
			t.Fatalf("TypeScript was\n%s\nand is\n%s", ts, got)
		}
		if got, err := asyncAPI(c, from); err != nil || string(got) != string(document) {
			t.Fatalf("AsyncAPI was\n%s\nand is (%v)\n%s", document, err, got)
		}
	}
}
