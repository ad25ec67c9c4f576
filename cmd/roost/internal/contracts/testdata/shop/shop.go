// Package shop is an application whose events have types of every sort.
package shop

//go:generate go run github.com/roost-dev/roost/cmd/roost contract -ts ../shop.ts -asyncapi ../shop.asyncapi.json -o ../shop.contract.json

import (
	"context"
	"encoding/json/jsontext"
	"net/netip"
	"time"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/contract"
	"github.com/roost-dev/roost/presence"

	"github.com/roost-dev/roost/cmd/roost/internal/contracts/testdata/shop/stock"
)

// What goes over "shops:{shop}".
var (
	// Order is pushed once per order.
	//
	// It may be pushed again with the same ID.
	Order = roost.NewIn[NewOrder, Receipt]("order")

	Typing = roost.NewIn[TypingOn, roost.NoReply]("typing") // not replied to
	Rename = roost.NewIn[map[string]string, roost.Ack]("rename")
	Upload = roost.NewIn[[]byte, []byte]("upload")
)

// Ordered tells of an order. It ends a comment, too: */
var Ordered = roost.NewOut[Receipt]("ordered")

var (
	Everything = roost.NewOut[Sorts]("everything")
	Restocked  = roost.NewOut[stock.Item]("restocked")
	Picture    = roost.NewOut[[]byte]("picture")
	Said       = roost.NewOut[Page[Item]]("typing")
)

// JoinShop may be empty.
type JoinShop struct {
	After *int64 `json:"after,omitzero"`
}

// NewOrder is what a customer orders.
type NewOrder struct {
	ID    ID     `json:"id"`
	Items []Item `json:"items"`
	// Note for the cook.
	//
	// Deprecated: nobody reads it.
	Note   string         `json:"note,omitempty"`
	Coupon *string        `json:"coupon"`
	Gift   *Item          `json:"gift,omitzero"`
	At     [2]float64     `json:"at"`
	Extra  jsontext.Value `json:"extra"`
}

// ID is what the customer's device made up.
type ID string

// Item is one thing that is ordered.
type Item struct {
	Name  string `json:"name"`
	Count uint8  `json:"count"` // how many
}

type Receipt struct {
	stamp
	*Totals

	Order  ID             `json:"order"`
	Items  []stock.Item   `json:"items"`
	Others map[ID][]*Item `json:"others"`
}

// stamp is embedded.
type stamp struct {
	At   time.Time `json:"at"` // when it was made
	Kind string    // has no tag
}

type Totals struct {
	Cents int64   `json:"cents,string"` // as text, for it may be large
	Tax   float32 `json:"tax,string"`
	Kind  string  `json:"-"`
}

type TypingOn struct {
	On bool `json:"on"`
}

// Tree is made of itself.
type Tree struct {
	Name string   `json:"name"`
	Kids []Tree   `json:"kids,omitempty"`
	Up   *Tree    `json:"up,omitzero"`
	Side Branches `json:"side,omitempty"`
}

type Branches map[string]Branches

type Page[T any] struct {
	Entries []T  `json:"entries"`
	More    bool `json:"more"`
}

// Money has JSON of its own.
type Money struct{ cents int64 }

func (m Money) MarshalJSON() ([]byte, error)  { return []byte(`{"cents":1}`), nil }
func (m *Money) UnmarshalJSON(b []byte) error { return nil }

// Color is text.
type Color struct{ R, G, B uint8 }

func (c Color) MarshalText() ([]byte, error)  { return []byte("#000000"), nil }
func (c *Color) UnmarshalText(b []byte) error { return nil }

// Sorts has a field of each sort.
type Sorts struct {
	Int8    int8    `json:"int8"`
	Int16   int16   `json:"int16"`
	Int32   int32   `json:"int32"`
	Int64   int64   `json:"int64"`
	Int     int     `json:"int"`
	Uint8   uint8   `json:"uint8"`
	Uint16  uint16  `json:"uint16"`
	Uint32  uint32  `json:"uint32"`
	Uint64  uint64  `json:"uint64"`
	Float32 float32 `json:"float32"`
	Float64 float64 `json:"float64"`
	Bool    bool    `json:"bool"`
	String  string  `json:"string"`
	Named   ID      `json:"named"`

	Time     time.Time        `json:"time"`
	Addr     netip.Addr       `json:"addr"`
	Money    Money            `json:"money"`
	Color    Color            `json:"color"`
	Raw      jsontext.Value   `json:"raw"`
	Any      any              `json:"any"`
	Bytes    []byte           `json:"bytes"`
	Hash     [4]byte          `json:"hash"`
	List     []string         `json:"list"`
	Pointers []*int           `json:"pointers"`
	Array    [3]bool          `json:"array"`
	Long     [9]bool          `json:"long"`
	Map      map[string]int   `json:"map"`
	Numbered map[int8]*string `json:"numbered"`
	Colored  map[Color]Money  `json:"colored"`
	Tree     Tree             `json:"tree"`
	Nothing  struct{}         `json:"nothing"`
	Pointer  *string          `json:"pointer"`
	Page     Page[stock.Item] `json:"page"`
	Inline   struct {
		X int `json:"x"`
		// Y is downwards.
		Y int `json:"y,omitzero"`
	} `json:"inline"`

	OmitZero      int    `json:"omit_zero,omitzero"`
	OmitEmpty     string `json:"omit_empty,omitempty"`
	OmitEmptyInt  int    `json:"omit_empty_int,omitempty"` // a number is never empty
	OmitEmptyTree *Tree  `json:"omit_empty_tree,omitempty"`
	OmitEmptyAny  any    `json:"omit_empty_any,omitempty"`
	OmitEmptyAll  struct {
		X int `json:"x,omitzero"`
	} `json:"omit_empty_all,omitempty"`
	OddName int `json:"odd name"`
	Ignored int `json:"-"`

	Rest map[string]int `json:",embed"`
}

type viewer struct {
	Name string `json:"name"`
}

type app struct{ viewers *presence.Presence[viewer] }

func (a *app) join(context.Context, *roost.Channel[int], *roost.Socket[int], JoinShop) (Sorts, error) {
	return Sorts{}, nil
}

func (a *app) watch(context.Context, *roost.Channel[int], *roost.Socket[int], struct{}) (roost.Ack, error) {
	return roost.Ack{}, nil
}

func (a *app) order(context.Context, *roost.Channel[int], NewOrder) (Receipt, error) {
	return Receipt{}, nil
}

func (a *app) typing(context.Context, *roost.Channel[int], TypingOn) (roost.NoReply, error) {
	return roost.NoReply{}, nil
}

func (a *app) rename(context.Context, *roost.Channel[int], map[string]string) (roost.Ack, error) {
	return roost.Ack{}, nil
}

func (a *app) upload(context.Context, *roost.Channel[int], []byte) ([]byte, error) {
	return nil, nil
}

func (a *app) pass(context.Context, *roost.Channel[int], roost.Payload) (roost.Payload, error) {
	return roost.Payload{}, nil
}

// proxy knows nothing of what it passes on.
func proxy(a *app) *roost.Handler[int, int] {
	h := roost.NewHandler(func(context.Context, *roost.Channel[int], *roost.Socket[int], roost.Payload) (Money, error) {
		return Money{}, nil
	}, nil)
	h.HandleIn(roost.NewIn[roost.Payload, roost.Payload]("pass it on/now"), a.pass)
	h.Tracks((*presence.Presence[Money])(nil))
	return h
}

// Contract is what the application's clients are to know.
func Contract() (*contract.Contract, error) {
	a := &app{}
	server := roost.NewServer(func(context.Context, *roost.ConnectRequest) (int, error) { return 0, nil }, nil)
	shops := roost.NewHandler(a.join, nil)
	shops.HandleIn(Order, a.order)
	shops.HandleIn(Typing, a.typing)
	shops.HandleIn(Rename, a.rename)
	shops.HandleIn(Upload, a.upload)
	shops.Emits(Ordered, Everything, Restocked, Picture, Said)
	shops.Tracks(a.viewers)
	server.Handle("shops:{shop}", shops)
	watch := roost.NewHandler(a.watch, nil)
	server.Handle("shops:{shop}:{rest...}", watch)
	server.Handle("new:*", watch)
	server.Handle("item", watch)
	server.Handle("2048:{score...}", watch)
	server.Handle("shops:{shop}:{a}:{b}", proxy(a))
	return server.Contract()
}
