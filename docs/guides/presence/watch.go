package presence

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/client"
)

// watch enters a room, and shows who is there.
func watch(ctx context.Context, socket *client.Socket, id string, show func(lines []string)) error {
	room := socket.Channel("room:"+id, nil)
	viewers := room.Presence[Viewer]() // before the join
	viewers.OnSync(func(context.Context) {
		var lines []string
		for _, user := range viewers.List() {
			profile, err := user.Extra[Profile]()
			if err != nil {
				profile.Name = user.Key
			}
			lines = append(lines, fmt.Sprintf("%s ×%d", profile.Name, len(user.Metas)))
		}
		show(lines)
	})
	viewers.OnJoin(func(_ context.Context, c client.PresenceChange[Viewer]) {
		if len(c.Now.Metas) == len(c.Metas) {
			slog.Info("came", "user", c.Key)
		}
	})
	viewers.OnLeave(func(_ context.Context, c client.PresenceChange[Viewer]) {
		if len(c.Now.Metas) == 0 {
			slog.Info("went", "user", c.Key)
		}
	})
	_, err := room.Join[roost.Ack](ctx, joinRoom{Device: "terminal"})
	return err
}
