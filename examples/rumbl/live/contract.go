package live

import (
	"fmt"
	"time"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/contract"
	"github.com/roost-dev/roost/history"

	"github.com/roost-dev/roost/examples/rumbl/multimedia"
)

//go:generate go run github.com/roost-dev/roost/cmd/roost contract -ts ../web/assets/contract.ts

// What goes over the topic "videos:<id>": every event, its name tied to its
// types. To those who join, presence tells who else is there, by the user's
// id. The scripts know all this from web/assets/contract.ts: go generate writes
// that anew.
var (
	NewAnnotation   = roost.NewIn[AnnotationInput, roost.Ack]("new_annotation")
	MoreAnnotations = roost.NewIn[JoinVideo, Page]("more_annotations")
	AnnotationAdded = roost.NewOut[Annotation]("annotation_added")
	VideoDeleted    = roost.NewOut[Deleted]("video_deleted")
)

// Contract tells roost contract what the scripts are to know.
func Contract() (*contract.Contract, error) {
	app := &App{}
	server := roost.NewServer(app.connect, nil)
	app.mount(server)
	return server.Contract()
}

// History is what a PubSub is to keep of the videos, so that pages that lost
// their connection get exactly what they missed. Pages that were away for
// longer are brought up to date from the database.
func History() []history.Keep {
	return []history.Keep{{Topics: []string{"videos:*"}, Events: []string{AnnotationAdded.Name()}, For: time.Hour}}
}

// JoinVideo is what a client joins with: the last annotation that it has, of
// those that came with a Page. 0: none.
type JoinVideo struct {
	LastSeenID int64 `json:"last_seen_id"`
}

// Validate is called by Roost on what a client sent.
func (j JoinVideo) Validate() error {
	if j.LastSeenID < 0 {
		return roost.Invalid("last_seen_id", "must be the id of an annotation, or 0")
	}
	return nil
}

// Joined is the reply to a join.
type Joined struct {
	// Page is empty for a page that is told by the history what it missed.
	Page

	// Node is the name of the node that the page is connected to. Empty if
	// there is no other.
	Node string `json:"node,omitempty"`
}

// Page is the annotations after the last one seen, by growing id.
type Page struct {
	Annotations []Annotation `json:"annotations"`
	// More says that there are others after these: they are to be asked for
	// by MoreAnnotations.
	More bool `json:"more"`
}

// AnnotationInput is an annotation that a viewer writes.
type AnnotationInput struct {
	At   int64  `json:"at"` // milliseconds since the video's beginning
	Body string `json:"body"`
}

// Validate is called by Roost on what a client sent. What is wrong with Body
// is for the package multimedia to say.
func (in AnnotationInput) Validate() error {
	if in.At < 0 || in.At > multimedia.MaxAt.Milliseconds() {
		return roost.Invalid("at", fmt.Sprintf("must be from 0 to %d milliseconds", multimedia.MaxAt.Milliseconds()))
	}
	return nil
}

// Annotation is an annotation as viewers see it.
type Annotation struct {
	ID   int64  `json:"id"`
	User User   `json:"user"`
	At   int64  `json:"at"` // milliseconds since the video's beginning
	Body string `json:"body"`
}

// Deleted says that the video of the topic is gone, with its annotations.
type Deleted struct{}

// User is a user as viewers see one.
type User struct {
	ID       int64  `json:"id"`
	Username string `json:"username"`
	Name     string `json:"name"`
}

// Viewer is what presence tells of one page on which a user watches.
type Viewer struct {
	Name     string `json:"name"`
	OnlineAt int64  `json:"online_at"` // seconds since 1970
}

func toAnnotation(a multimedia.Annotation) Annotation {
	return Annotation{ID: a.ID, User: User(a.Author), At: a.At.Milliseconds(), Body: a.Body}
}
