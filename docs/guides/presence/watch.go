package presence

import (
	"context"
	"fmt"

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
	_, err := room.Join[roost.Ack](ctx, joinRoom{Device: "terminal"})
	return err
}
