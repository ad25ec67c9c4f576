package live

import (
	"context"

	"github.com/roost-dev/roost"
)

// titles are of the videos that there are, by their ids.
var titles = map[string]string{"1": "A day in the hills"}

// Joined is the reply to who joins "videos:<id>".
type Joined struct {
	Title string `json:"title"`
}

// watching is the state of one page's conversation about one video.
type watching struct{ visitor Visitor }

func videos() *roost.Handler[Visitor, watching] {
	return roost.NewHandler(joinVideo, nil)
}

func joinVideo(_ context.Context, ch *roost.Channel[watching], s *roost.Socket[Visitor], _ struct{}) (Joined, error) {
	title, found := titles[ch.Param("id")]
	if !found {
		return Joined{}, &roost.Error{Reason: "not found"}
	}
	ch.State.visitor = s.Assigns
	return Joined{Title: title}, nil
}
