package main

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/roost-dev/roost/examples/rumbl/accounts"
	"github.com/roost-dev/roost/examples/rumbl/multimedia"
)

// seed gives a site that nobody has registered on a video with annotations, so
// that there is something to see. Nobody can log in as the user they belong to.
// It must run in a transaction, so that of several nodes one does it, and all
// of it.
func seed(ctx context.Context, people *accounts.Service, media *multimedia.Service) error {
	empty, err := people.Empty(ctx)
	if err != nil || !empty {
		return err
	}
	user, err := people.Register(ctx, accounts.Registration{Username: "robin", Name: "Robin", Password: rand.Text()})
	if err != nil {
		return err
	}
	robin := multimedia.Author{ID: user.ID, Username: user.Username, Name: user.Name}
	video, err := media.AddVideo(ctx, robin, multimedia.VideoInput{
		Title:       "Daybreak",
		Description: "A day over a valley, in forty seconds.",
		URL:         "/static/sample.webm",
	})
	if err != nil {
		return err
	}
	for _, note := range []struct {
		at   time.Duration
		body string
	}{
		{2 * time.Second, "The village is still asleep. Count the lights."},
		{6500 * time.Millisecond, "Here it comes, behind the hill on the left."},
		{13 * time.Second, "Up, up and away!"},
		{18 * time.Second, "Swallows. They must be late for something."},
		{31 * time.Second, "Best light of the day."},
		{37 * time.Second, "Quick, make a wish."},
	} {
		if _, err := media.Annotate(ctx, video.ID, robin, note.at, note.body); err != nil {
			return err
		}
	}
	return nil
}
