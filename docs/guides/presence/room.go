// Package presence is the code of the guide: rooms whose members see who else is there, and who is typing.
package presence

import (
	"context"
	"log/slog"
	"time"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/presence"
	"github.com/roost-dev/roost/pubsub"
)

// Typing says that the user of a page types. It is the contract of "room:{id}", beside presence_state and presence_diff.
var Typing = roost.NewIn[struct{}, roost.NoReply]("typing")

// Viewer is what others are told of one of a user's pages.
type Viewer struct {
	Device string `json:"device"`
	Since  int64  `json:"since"` // seconds since 1970
	Typing bool   `json:"typing,omitzero"`
}

// Profile is what others are told of a user.
type Profile struct {
	Name string `json:"name"`
}

// Profiles looks up users: one query for all that are asked for.
type Profiles func(ctx context.Context, ids []string) (map[string]Profile, error)

// seat is the state of one page's conversation about a room.
type seat struct {
	user  string
	quiet *roost.Timer
}

// quiet is sent to a conversation whose user has not typed for a while.
type quiet struct{}

// App is a server of rooms.
type App struct {
	Viewers *presence.Presence[Viewer]
	Server  *roost.Server[string]
}

// New returns a server whose sockets are of users by their ids. Close its Viewers before ps.
func New(ps *pubsub.PubSub, profiles Profiles) *App {
	app := &App{Viewers: presence.New[Viewer](ps, &presence.Options[Viewer]{
		Fetch:    fetch(profiles),
		OnChange: noteChanges,
	})}
	rooms := roost.NewHandler(app.join, nil)
	rooms.HandleIn(Typing, app.typing)
	rooms.HandleInfo(app.quiet)
	rooms.Tracks(app.Viewers)
	app.Server = roost.NewServer(connect, &roost.Options[string]{PubSub: ps})
	app.Server.Handle("room:{id}", rooms)
	return app
}

// connect believes whoever comes: see the guide to authentication.
func connect(_ context.Context, r *roost.ConnectRequest) (string, error) {
	return r.Param("user"), nil
}

type joinRoom struct {
	Device string `json:"device"`
}

func (app *App) join(ctx context.Context, ch *roost.Channel[seat], s *roost.Socket[string], p joinRoom) (roost.Ack, error) {
	ch.State.user = s.Assigns
	viewer := Viewer{Device: p.Device, Since: time.Now().Unix()}
	if err := app.Viewers.Track(ctx, ch, s.Assigns, viewer); err != nil {
		return roost.Ack{}, err
	}
	return roost.Ack{}, app.Viewers.PushState(ctx, ch)
}

// typing shows that the user types, until there was no word of it for three seconds.
func (app *App) typing(ctx context.Context, ch *roost.Channel[seat], _ struct{}) (roost.NoReply, error) {
	if ch.State.quiet != nil && ch.State.quiet.Stop() {
		ch.State.quiet = ch.SendAfter(quiet{}, 3*time.Second)
		return roost.NoReply{}, nil // others know
	}
	ch.State.quiet = ch.SendAfter(quiet{}, 3*time.Second)
	return roost.NoReply{}, app.setTyping(ctx, ch, true)
}

func (app *App) quiet(ctx context.Context, ch *roost.Channel[seat], _ quiet) error {
	return app.setTyping(ctx, ch, false)
}

func (app *App) setTyping(ctx context.Context, ch *roost.Channel[seat], typing bool) error {
	return app.Viewers.Update(ctx, ch, ch.State.user, func(v Viewer) Viewer {
		v.Typing = typing
		return v
	})
}

// fetch puts a user's name beside the metas.
func fetch(profiles Profiles) func(context.Context, string, map[string]presence.Entry[Viewer]) (map[string]any, error) {
	return func(ctx context.Context, _ string, presences map[string]presence.Entry[Viewer]) (map[string]any, error) {
		ids := make([]string, 0, len(presences))
		for id := range presences {
			ids = append(ids, id)
		}
		found, err := profiles(ctx, ids)
		extra := make(map[string]any, len(found))
		for id, profile := range found {
			extra[id] = profile
		}
		return extra, err
	}
}

func noteChanges(_ context.Context, c presence.Change[Viewer]) {
	for user, joined := range c.Joins {
		_, changed := c.Leaves[user]
		if !changed && len(c.Now[user].Metas) == len(joined.Metas) {
			slog.Info("came", "topic", c.Topic, "user", user)
		}
	}
	for user := range c.Leaves {
		if _, still := c.Now[user]; !still {
			slog.Info("went", "topic", c.Topic, "user", user)
		}
	}
	if c.Keys == 0 {
		slog.Info("nobody is left", "topic", c.Topic)
	}
}
