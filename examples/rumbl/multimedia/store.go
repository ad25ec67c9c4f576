package multimedia

import "context"

// Store keeps videos and annotations. It is called from many goroutines.
type Store interface {
	// Categories returns all there are, by name.
	Categories(ctx context.Context) ([]Category, error)

	// InsertVideo returns the new video's id. Like UpdateVideo it keeps the
	// video's SearchText with it.
	InsertVideo(ctx context.Context, video Video) (int64, error)
	// UpdateVideo changes all but the owner and the time. It returns ErrNotFound,
	// wrapped or not, if there is no such video.
	UpdateVideo(ctx context.Context, video Video) error
	// DeleteVideo deletes a video and its annotations. That there is none is no
	// error.
	DeleteVideo(ctx context.Context, id int64) error
	// Video returns ErrNotFound, wrapped or not, if there is none.
	Video(ctx context.Context, id int64) (Video, error)
	// Videos returns what a listing asks for, the newest first. Each of words is
	// in the video's SearchText; they stand for Search, which is not looked at.
	Videos(ctx context.Context, l Listing, words []string) ([]Video, error)

	// InsertAnnotation gives the annotation an id greater than that of every
	// annotation that a reader can have seen: ids are never used again, and
	// those of one video become visible in growing order. A database that hands
	// out numbers before it commits must see to that itself, since readers
	// catch up from the greatest id they know. If there is no such video it
	// returns ErrNotFound, wrapped or not.
	InsertAnnotation(ctx context.Context, annotation Annotation) (int64, error)
	// AnnotationsAfter returns those with a greater id than after, by growing id.
	AnnotationsAfter(ctx context.Context, videoID, after int64, limit int) ([]Annotation, error)
}
