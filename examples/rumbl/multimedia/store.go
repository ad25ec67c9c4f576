package multimedia

import "context"

// Store keeps all that this package knows. It is called from many goroutines.
type Store interface {
	VideoStore
	AnnotationStore
	ChatStore
}

// VideoStore keeps videos.
type VideoStore interface {
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
}

// AnnotationStore keeps annotations.
type AnnotationStore interface {
	// InsertAnnotation returns the annotation with its id, its revision, and
	// whether its author is muted. If there is no such video it returns
	// ErrNotFound, wrapped or not; so do the others, if there is no such thing.
	//
	// The revision is greater than every one of the video that a reader can have
	// seen: those of one video become visible in growing order. A database that
	// hands out numbers before it commits must see to that itself, since readers
	// catch up from the greatest that they know.
	InsertAnnotation(ctx context.Context, annotation Annotation) (Annotation, error)
	// ChangeAnnotation keeps Body and Removed, and returns the new revision. What
	// was removed is not found any more.
	ChangeAnnotation(ctx context.Context, annotation Annotation) (revision int64, err error)
	Annotation(ctx context.Context, videoID, id int64) (Annotation, error)
	// AnnotationsAfter returns those that viewer may see (see
	// [Annotation].Muted) with a greater revision than after, by growing
	// revision; with after 0, none that was removed.
	AnnotationsAfter(ctx context.Context, videoID, viewer, after int64, limit int) ([]Annotation, error)
}

// ChatStore keeps what people say to each other, and who is muted.
type ChatStore interface {
	// InsertMessage returns the message with its id, and whether its author is
	// muted.
	InsertMessage(ctx context.Context, message Message) (Message, error)
	// LatestMessages returns the last that viewer may see, the newest last.
	LatestMessages(ctx context.Context, videoID, viewer int64, limit int) ([]Message, error)

	Author(ctx context.Context, id int64) (Author, error)
	// InsertMute does nothing if there is one already, DeleteMute if there is
	// none.
	InsertMute(ctx context.Context, videoID, userID int64) error
	DeleteMute(ctx context.Context, videoID, userID int64) error
	Muted(ctx context.Context, videoID int64) ([]Author, error)
	IsMuted(ctx context.Context, videoID, userID int64) (bool, error)
}
