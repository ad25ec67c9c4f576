// Package contracts is the code of the guide to contracts.
package contracts

import (
	"context"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/contract"
	"github.com/roost-dev/roost/presence"
)

//go:generate go run github.com/roost-dev/roost/cmd/roost contract -ts contract.ts

// What goes over the topics "rooms:<id>".
var (
	Say    = roost.NewIn[MessageInput, Receipt]("say")      // replied to
	Typing = roost.NewIn[TypingOn, roost.NoReply]("typing") // not replied to, unless it fails
	Said   = roost.NewOut[Message]("said")
)

// JoinRoom is what a visitor joins with.
type JoinRoom struct {
	// LastSeen is the last message that the page has.
	LastSeen int64 `json:"last_seen,omitzero"`
}

// MessageInput is a message that a visitor writes.
type MessageInput struct {
	Text    string `json:"text"`
	ReplyTo *int64 `json:"reply_to,omitzero"` // another message
}

// Message is a message as everybody sees it.
type Message struct {
	ID   int64  `json:"id"`
	By   string `json:"by"`
	Text string `json:"text"`
}

// Receipt says that a message was kept.
type Receipt struct {
	ID int64 `json:"id"`
}

// TypingOn says whether the visitor is typing.
type TypingOn struct {
	On bool `json:"on"`
}

// Viewer is what presence tells of one page.
type Viewer struct {
	Name   string `json:"name"`
	Typing bool   `json:"typing"`
}

// App is what people say to each other.
type App struct {
	viewers *presence.Presence[Viewer]
}

// Contract is asked by roost contract.
func Contract() (*contract.Contract, error) {
	app := &App{} // nothing of it is called
	server := roost.NewServer(app.connect, nil)
	app.mount(server)
	return server.Contract()
}

// mount has a server serve the topics: the one of Contract, and the real one.
func (app *App) mount(server *roost.Server[string]) {
	rooms := roost.NewHandler(app.join, nil)
	rooms.HandleIn(Say, app.say)
	rooms.HandleIn(Typing, app.typing)
	rooms.Emits(Said)
	rooms.Tracks(app.viewers)
	server.Handle("rooms:{id}", rooms)
}

func (app *App) connect(_ context.Context, r *roost.ConnectRequest) (string, error) {
	return r.Param("name"), nil
}

// seat is the state of one page's conversation in a room.
type seat struct {
	name string
	said int64
}

func (app *App) join(ctx context.Context, ch *roost.Channel[seat], s *roost.Socket[string], _ JoinRoom) (roost.Ack, error) {
	ch.State.name = s.Assigns
	if err := app.viewers.Track(ctx, ch, s.Assigns, Viewer{Name: s.Assigns}); err != nil {
		return roost.Ack{}, err
	}
	return roost.Ack{}, app.viewers.PushState(ctx, ch)
}

func (app *App) say(ctx context.Context, ch *roost.Channel[seat], in MessageInput) (Receipt, error) {
	ch.State.said++
	m := Message{ID: ch.State.said, By: ch.State.name, Text: in.Text}
	return Receipt{ID: m.ID}, ch.BroadcastFrom(ctx, Said, m)
}

func (app *App) typing(ctx context.Context, ch *roost.Channel[seat], in TypingOn) (roost.NoReply, error) {
	return roost.NoReply{}, app.viewers.Update(ctx, ch, ch.State.name, func(v Viewer) Viewer {
		v.Typing = in.On
		return v
	})
}
