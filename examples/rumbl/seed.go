package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/roost-dev/roost/examples/rumbl/accounts"
	"github.com/roost-dev/roost/examples/rumbl/multimedia"
)

// samplePeople are the names of the people of a new site, by their usernames.
var samplePeople = map[string]string{"robin": "Robin", "mia": "Mia Sommer", "noor": "Noor", "zoe": "Zoë"}

type sampleNote struct {
	by   string
	at   time.Duration
	body string
}

// sampleVideos are the videos of a new site, the oldest first. They are the one
// clip that Rumbl brings along, from various beginnings.
var sampleVideos = []struct {
	by, category, title, description string
	from                             string // seconds
	notes                            []sampleNote
}{
	{"zoe", "Nature", "Früh am Morgen", "A quiet morning in the mountains. No music, no words.", "4", []sampleNote{
		{"zoe", 4500 * time.Millisecond, "Pssst."},
		{"robin", 8 * time.Second, "You can almost smell the dew."},
		{"mia", 10 * time.Second, "Wie schön ist das denn?"},
	}},
	{"noor", "Science", "Stargazing for beginners", "Which way is north, and what that bright one is.", "37", []sampleNote{
		{"noor", 37 * time.Second, "Give your eyes ten minutes to get used to the dark."},
		{"robin", 39 * time.Second, "Is that a planet or a plane?"},
	}},
	{"mia", "Film", "Golden hour, explained", "Why everybody looks their best half an hour before sunset.", "30", []sampleNote{
		{"mia", 30500 * time.Millisecond, "The shadows are long and soft: look at the hill."},
		{"zoe", 32 * time.Second, "And then it is over in two minutes."},
		{"noor", 33 * time.Second, "Blue hour next, please!"},
	}},
	{"robin", "", "Swallows, late in summer", "Filmed from the garden bench.", "19", []sampleNote{
		{"robin", 19500 * time.Millisecond, "Five of them. Or six?"},
	}},
	{"mia", "Travel", "A balloon over the valley", "We saw it from the road and turned around.", "22", []sampleNote{
		{"mia", 22500 * time.Millisecond, "There, beside the sun!"},
		{"noor", 24 * time.Second, "I would never."},
		{"robin", 25 * time.Second, "I would at once."},
		{"zoe", 28 * time.Second, "How do they steer?"},
	}},
	{"robin", "Nature", "Daybreak", "A day over a valley, in forty seconds.", "", []sampleNote{
		{"robin", 2 * time.Second, "The village is still asleep. Count the lights."},
		{"robin", 6500 * time.Millisecond, "Here it comes, behind the hill on the left."},
		{"mia", 13 * time.Second, "Up, up and away!"},
		{"zoe", 18 * time.Second, "Swallows. They must be late for something."},
		{"mia", 31 * time.Second, "Best light of the day."},
		{"noor", 37 * time.Second, "Quick, make a wish."},
	}},
}

// seed gives a site that nobody has registered on people, videos and
// annotations, so that there is something to see. Nobody can log in as those
// people. It must run in a transaction, so that of several nodes one does it,
// and all of it.
func seed(ctx context.Context, people *accounts.Service, media *multimedia.Service) error {
	empty, err := people.Empty(ctx)
	if err != nil || !empty {
		return err
	}
	authors := map[string]multimedia.Author{}
	for username, name := range samplePeople {
		user, err := people.RegisterWithoutPassword(ctx, username, name)
		if err != nil {
			return err
		}
		authors[username] = multimedia.Author{ID: user.ID, Username: user.Username, Name: user.Name}
	}
	categories, err := media.Categories(ctx)
	if err != nil {
		return err
	}
	for _, v := range sampleVideos {
		in := multimedia.VideoInput{Title: v.title, Description: v.description, URL: "/static/sample.webm"}
		if v.from != "" {
			in.URL += "#t=" + v.from
		}
		if v.category != "" {
			i := slices.IndexFunc(categories, func(c multimedia.Category) bool { return c.Name == v.category })
			if i < 0 {
				return fmt.Errorf("no category %q", v.category)
			}
			in.CategoryID = categories[i].ID
		}
		video, err := media.AddVideo(ctx, authors[v.by], in)
		if err != nil {
			return err
		}
		for _, note := range v.notes {
			if _, err := media.Annotate(ctx, video.ID, authors[note.by], note.at, note.body); err != nil {
				return err
			}
		}
	}
	return nil
}
