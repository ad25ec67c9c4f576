package multimedia_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/roost-dev/roost/examples/rumbl/accounts"
	"github.com/roost-dev/roost/examples/rumbl/field"
	"github.com/roost-dev/roost/examples/rumbl/multimedia"
	"github.com/roost-dev/roost/examples/rumbl/store/sqlite"
)

// crowd is a video, its owner, who annotates it, and a guest.
type crowd struct {
	*multimedia.Service

	owner, author, guest multimedia.Author
	video                multimedia.Video
}

func newCrowd(t *testing.T) *crowd {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "rumbl.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	c := &crowd{Service: multimedia.New(store)}
	for username, author := range map[string]*multimedia.Author{"owner": &c.owner, "author": &c.author, "guest": &c.guest} {
		id, err := store.InsertUser(t.Context(), accounts.User{Username: username, Name: username}, "hash")
		if err != nil {
			t.Fatal(err)
		}
		*author = multimedia.Author{ID: id, Username: username, Name: username}
	}
	c.video = addVideo(t, c.Service, c.owner, "One")
	return c
}

func (c *crowd) annotate(t *testing.T, body string) multimedia.Annotation {
	t.Helper()
	a, err := c.Annotate(t.Context(), c.video.ID, c.author, 0, body)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (c *crowd) mute(t *testing.T, muted bool) {
	t.Helper()
	if got, err := c.Mute(t.Context(), c.video.ID, c.owner.ID, c.author.ID, muted); err != nil || got != c.author {
		t.Fatalf("Mute = %+v, %v", got, err)
	}
}

func TestAnAnnotationIsEditedByItsAuthorAlone(t *testing.T) {
	c := newCrowd(t)
	a := c.annotate(t, "one")
	for _, other := range []multimedia.Author{c.owner, c.guest} {
		if _, err := c.EditAnnotation(t.Context(), c.video.ID, a.ID, other.ID, "x"); !errors.Is(err, multimedia.ErrNotOwner) {
			t.Errorf("the %s edits: %v, want ErrNotOwner", other.Name, err)
		}
	}
	_, err := c.EditAnnotation(t.Context(), c.video.ID, a.ID, c.author.ID, " ")
	if problems, ok := errors.AsType[field.Errors](err); !ok || problems["body"] == "" {
		t.Errorf("with nothing: %v, want a problem with body", err)
	}
	edited, err := c.EditAnnotation(t.Context(), c.video.ID, a.ID, c.author.ID, " uno ")
	if err != nil || edited.Body != "uno" || !edited.Edited || edited.Revision <= a.Revision {
		t.Errorf("edited: %+v, %v", edited, err)
	}
	kept, err := c.AnnotationsAfter(t.Context(), c.video.ID, c.guest.ID, 0, 10)
	if err != nil || len(kept) != 1 || kept[0] != edited {
		t.Errorf("kept: %+v, %v; want %+v", kept, err, edited)
	}
}

func TestAnAnnotationIsRemovedByItsAuthorOrTheVideosOwner(t *testing.T) {
	c := newCrowd(t)
	for _, remover := range []multimedia.Author{c.author, c.owner} {
		a := c.annotate(t, "one")
		if _, err := c.RemoveAnnotation(t.Context(), c.video.ID, a.ID, c.guest.ID); !errors.Is(err, multimedia.ErrNotOwner) {
			t.Errorf("the guest removes: %v, want ErrNotOwner", err)
		}
		removed, err := c.RemoveAnnotation(t.Context(), c.video.ID, a.ID, remover.ID)
		if err != nil || !removed.Removed || removed.Body != "" || removed.Revision <= a.Revision {
			t.Errorf("the %s removes: %+v, %v", remover.Name, removed, err)
		}
		if _, err := c.RemoveAnnotation(t.Context(), c.video.ID, a.ID, remover.ID); !errors.Is(err, multimedia.ErrNotFound) {
			t.Errorf("once more: %v, want ErrNotFound", err)
		}
		if _, err := c.EditAnnotation(t.Context(), c.video.ID, a.ID, c.author.ID, "x"); !errors.Is(err, multimedia.ErrNotFound) {
			t.Errorf("edited afterwards: %v, want ErrNotFound", err)
		}
	}
	if kept, err := c.AnnotationsAfter(t.Context(), c.video.ID, c.guest.ID, 0, 10); err != nil || len(kept) != 0 {
		t.Errorf("kept: %+v, %v", kept, err)
	}
}

func TestAnAnnotationIsOfItsVideoAlone(t *testing.T) {
	c := newCrowd(t)
	a, other := c.annotate(t, "one"), addVideo(t, c.Service, c.author, "another one of the author's")
	if _, err := c.EditAnnotation(t.Context(), other.ID, a.ID, c.author.ID, "x"); !errors.Is(err, multimedia.ErrNotFound) {
		t.Errorf("edited: %v, want ErrNotFound", err)
	}
	if _, err := c.RemoveAnnotation(t.Context(), other.ID, a.ID, c.author.ID); !errors.Is(err, multimedia.ErrNotFound) {
		t.Errorf("removed: %v, want ErrNotFound", err)
	}
}

func TestOnlyTheOwnerMutesAndNotHimself(t *testing.T) {
	c := newCrowd(t)
	for name, try := range map[string]struct{ by, whom int64 }{
		"a guest, the author": {c.guest.ID, c.author.ID},
		"a guest, himself":    {c.guest.ID, c.guest.ID},
		"the owner, himself":  {c.owner.ID, c.owner.ID},
	} {
		for _, muted := range []bool{true, false} {
			if _, err := c.Mute(t.Context(), c.video.ID, try.by, try.whom, muted); !errors.Is(err, multimedia.ErrNotOwner) {
				t.Errorf("%s: %v, want ErrNotOwner", name, err)
			}
		}
	}
	if _, err := c.Mute(t.Context(), c.video.ID, c.owner.ID, 7000, true); !errors.Is(err, multimedia.ErrNotFound) {
		t.Errorf("nobody: %v, want ErrNotFound", err)
	}
	if _, err := c.Mute(t.Context(), c.video.ID+1, c.owner.ID, c.author.ID, true); !errors.Is(err, multimedia.ErrNotFound) {
		t.Errorf("nowhere: %v, want ErrNotFound", err)
	}
	c.mute(t, true)
	if who, err := c.Muted(t.Context(), c.video.ID); err != nil || len(who) != 1 || who[0] != c.author {
		t.Errorf("muted: %v, %v", who, err)
	}
}

func TestOneWhoIsMutedCannotSpeakThroughWhatAllCanSee(t *testing.T) {
	c := newCrowd(t)
	before := c.annotate(t, "before")
	c.mute(t, true)
	if _, err := c.EditAnnotation(t.Context(), c.video.ID, before.ID, c.author.ID, "x"); !errors.Is(err, multimedia.ErrMuted) {
		t.Errorf("edited: %v, want ErrMuted", err)
	}
	meanwhile := c.annotate(t, "meanwhile")
	if edited, err := c.EditAnnotation(t.Context(), c.video.ID, meanwhile.ID, c.author.ID, "x"); err != nil || !edited.Muted {
		t.Errorf("what nobody sees: %+v, %v", edited, err)
	}
	if _, err := c.RemoveAnnotation(t.Context(), c.video.ID, before.ID, c.author.ID); err != nil {
		t.Errorf("removed: %v", err)
	}
	c.mute(t, false)
	if kept, err := c.AnnotationsAfter(t.Context(), c.video.ID, c.guest.ID, 0, 10); err != nil || len(kept) != 0 {
		t.Errorf("afterwards the guest gets %+v, %v", kept, err)
	}
}

func TestAMessageIsOneLineWithSomethingInIt(t *testing.T) {
	c := newCrowd(t)
	for _, body := range []string{"", "  ", "one\ntwo", strings.Repeat("x", multimedia.MaxBody+1)} {
		_, err := c.Say(t.Context(), c.video.ID, c.author, body)
		if problems, ok := errors.AsType[field.Errors](err); !ok || problems["body"] == "" {
			t.Errorf("%.10q: %v, want a problem with body", body, err)
		}
	}
	said, err := c.Say(t.Context(), c.video.ID, c.author, " Hello ")
	if err != nil || said.Body != "Hello" || said.Author != c.author {
		t.Errorf("said %+v, %v", said, err)
	}
	if kept, err := c.LatestMessages(t.Context(), c.video.ID, c.guest.ID, 10); err != nil || len(kept) != 1 || kept[0] != said {
		t.Errorf("kept: %+v, %v", kept, err)
	}
}

func TestAFailureOfTheStoreIsNoRefusal(t *testing.T) {
	c := newCrowd(t)
	a := c.annotate(t, "one")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, call := range map[string]func() error{
		"EditAnnotation":   func() error { _, err := c.EditAnnotation(ctx, c.video.ID, a.ID, c.author.ID, "x"); return err },
		"RemoveAnnotation": func() error { _, err := c.RemoveAnnotation(ctx, c.video.ID, a.ID, c.author.ID); return err },
		"Say":              func() error { _, err := c.Say(ctx, c.video.ID, c.author, "x"); return err },
		"LatestMessages":   func() error { _, err := c.LatestMessages(ctx, c.video.ID, c.author.ID, 1); return err },
		"Mute":             func() error { _, err := c.Mute(ctx, c.video.ID, c.owner.ID, c.author.ID, true); return err },
		"Muted":            func() error { _, err := c.Muted(ctx, c.video.ID); return err },
		"IsMuted":          func() error { _, err := c.IsMuted(ctx, c.video.ID, c.author.ID); return err },
	} {
		if err := call(); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v, want context.Canceled", name, err)
		}
	}
}
