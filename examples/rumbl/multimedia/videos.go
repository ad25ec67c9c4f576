package multimedia

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/roost-dev/roost/examples/rumbl/field"
)

// Category is what a video is about, in one word. The zero Category is none.
type Category struct {
	ID   int64
	Name string
}

// Video is a video that people watch together.
type Video struct {
	ID          int64
	Owner       Author
	Category    Category
	Title       string
	Description string
	Source      Source
	Annotations int64 // how many it has; set by Videos only
	CreatedAt   time.Time
}

// VideoInput is what a person fills in to add a video, or to change one.
type VideoInput struct {
	Title       string
	Description string
	URL         string // see ParseSource
	CategoryID  int64  // 0: none
}

// Listing says which videos to list. The zero value is the newest of all.
type Listing struct {
	Owner      string // a username; "": anybody's
	CategoryID int64  // 0: of any or none
	// Search is words, all of which the title, the description or the name of
	// the owner must contain, in any order. Case and accents do not matter.
	Search string
	Before int64 // only those added before the video with this id; 0: from the newest
	Limit  int   // at most MaxPage
}

// AddVideo adds a video of owner's. The error is a field.Errors if something
// that was filled in is at fault.
func (s *Service) AddVideo(ctx context.Context, owner Author, in VideoInput) (Video, error) {
	video := Video{Owner: owner, CreatedAt: now()}
	if err := s.fill(ctx, &video, in); err != nil {
		return Video{}, err
	}
	var err error
	if video.ID, err = s.store.InsertVideo(ctx, video); err != nil {
		return Video{}, fmt.Errorf("multimedia: add video: %w", err)
	}
	return video, nil
}

// UpdateVideo changes a video of owner's. The error is that of OwnVideo, or a
// field.Errors if something that was filled in is at fault.
func (s *Service) UpdateVideo(ctx context.Context, owner Author, id int64, in VideoInput) (Video, error) {
	video, err := s.OwnVideo(ctx, owner, id)
	if err != nil {
		return Video{}, err
	}
	if err := s.fill(ctx, &video, in); err != nil {
		return Video{}, err
	}
	if err := s.store.UpdateVideo(ctx, video); err != nil {
		return Video{}, fmt.Errorf("multimedia: change video %d: %w", id, err)
	}
	return video, nil
}

// DeleteVideo deletes a video of owner's with all of its annotations. The error
// is that of OwnVideo.
func (s *Service) DeleteVideo(ctx context.Context, owner Author, id int64) error {
	if _, err := s.OwnVideo(ctx, owner, id); err != nil {
		return err
	}
	if err := s.store.DeleteVideo(ctx, id); err != nil {
		return fmt.Errorf("multimedia: delete video %d: %w", id, err)
	}
	return nil
}

// Video returns the video with that id, or ErrNotFound.
func (s *Service) Video(ctx context.Context, id int64) (Video, error) {
	video, err := s.store.Video(ctx, id)
	if err != nil {
		return Video{}, fmt.Errorf("multimedia: video %d: %w", id, err)
	}
	return video, nil
}

// OwnVideo returns the video with that id for its owner, who alone may change
// it: ErrNotFound if there is none, ErrNotOwner if it is somebody else's.
func (s *Service) OwnVideo(ctx context.Context, owner Author, id int64) (Video, error) {
	video, err := s.Video(ctx, id)
	if err == nil && video.Owner.ID != owner.ID {
		return Video{}, fmt.Errorf("multimedia: video %d: %w", id, ErrNotOwner)
	}
	return video, err
}

// Videos returns the videos that l asks for, the newest first.
func (s *Service) Videos(ctx context.Context, l Listing) ([]Video, error) {
	l.Owner, l.Limit = fold(l.Owner), bound(l.Limit)
	words := strings.Fields(fold(l.Search))
	videos, err := s.store.Videos(ctx, l, words[:min(len(words), MaxWords)])
	if err != nil {
		return nil, fmt.Errorf("multimedia: list videos: %w", err)
	}
	return videos, nil
}

// Categories returns all there are, by name.
func (s *Service) Categories(ctx context.Context) ([]Category, error) {
	categories, err := s.store.Categories(ctx)
	if err != nil {
		return nil, fmt.Errorf("multimedia: list categories: %w", err)
	}
	return categories, nil
}

// fill puts what a person filled in into a video.
func (s *Service) fill(ctx context.Context, video *Video, in VideoInput) error {
	problems := field.Errors{}
	video.Title = problems.Line("title", in.Title, 1, MaxTitle)
	video.Description = problems.Text("description", in.Description, 0, MaxDescription)
	var err error
	if video.Source, err = ParseSource(in.URL); err != nil {
		problems.Add("url", err.Error())
	}
	video.Category, err = s.category(ctx, in.CategoryID)
	if errors.Is(err, ErrNotFound) {
		problems.Add("category", "must be one of those in the list")
	} else if err != nil {
		return err
	}
	return problems.Err()
}

func (s *Service) category(ctx context.Context, id int64) (Category, error) {
	if id == 0 {
		return Category{}, nil
	}
	categories, err := s.Categories(ctx)
	if err != nil {
		return Category{}, err
	}
	i := slices.IndexFunc(categories, func(c Category) bool { return c.ID == id })
	if i < 0 {
		return Category{}, ErrNotFound
	}
	return categories[i], nil
}
