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

// What viewers send on the topic "videos:<id>": each event, its name tied to
// the types of its payload and its reply. Who adds or changes something gets it
// in the reply, as all others get it as an event. The scripts know all this from
// web/assets/contract.ts: go generate writes that anew.
var (
	NewAnnotation    = roost.NewIn[AnnotationInput, Annotation]("new_annotation")
	EditAnnotation   = roost.NewIn[AnnotationEdit, Annotation]("edit_annotation")
	RemoveAnnotation = roost.NewIn[AnnotationRef, RemovedAnnotation]("remove_annotation")
	MoreAnnotations  = roost.NewIn[JoinVideo, Page]("more_annotations")
	NewMessage       = roost.NewIn[MessageInput, Message]("new_message")
	StartTyping      = roost.NewIn[Typing, roost.NoReply]("typing")
	MuteViewer       = roost.NewIn[MuteInput, Mute]("mute_viewer")
	KickViewer       = roost.NewIn[ViewerRef, roost.Ack]("kick_viewer")
)

// What viewers are told on that topic. Who else is there presence tells them,
// by the user's id.
var (
	AnnotationAdded   = roost.NewOut[Annotation]("annotation_added")
	AnnotationEdited  = roost.NewOut[Annotation]("annotation_edited")
	AnnotationRemoved = roost.NewOut[RemovedAnnotation]("annotation_removed")
	MessageAdded      = roost.NewOut[Message]("message_added")
	ViewerMuted       = roost.NewOut[Mute]("viewer_muted")
	VideoDeleted      = roost.NewOut[Deleted]("video_deleted")
)

// Contract tells roost contract what the scripts are to know. contract.json is
// what those of pages that are open rely on: make lint fails on a change that
// would break them, until roost contract -o contract.json says that it is meant.
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
	return []history.Keep{{
		Topics: []string{"videos:*"},
		Events: []string{
			AnnotationAdded.Name(), AnnotationEdited.Name(), AnnotationRemoved.Name(), MessageAdded.Name(), ViewerMuted.Name(),
		},
		For: time.Hour,
	}}
}

// JoinVideo is what a client joins with, and asks for more with.
type JoinVideo struct {
	// Revision is that of the last Page that the client got. 0: none.
	Revision int64 `json:"revision"`
}

// Validate is called by Roost on what a client sent.
func (j JoinVideo) Validate() error {
	if j.Revision < 0 {
		return roost.Invalid("revision", "must be that of a page, or 0")
	}
	return nil
}

// Joined is the reply to a join.
type Joined struct {
	// Resumed says that the client is told by the history what it missed. Page
	// and Messages are empty then.
	Resumed bool `json:"resumed"`

	Page

	// Messages is what was said last, the newest at the end. It takes the place
	// of what the client has.
	Messages []Message `json:"messages"`

	// Muted says that nobody but the video's owner sees what this viewer writes.
	Muted bool `json:"muted"`

	// MutedViewers is who is muted. Only the video's owner is told.
	MutedViewers []User `json:"muted_viewers,omitempty"`

	// Node is the name of the node that the client is connected to. Empty if
	// there is no other.
	Node string `json:"node,omitempty"`
}

// Page is what has changed of a video's annotations since another page, or, the
// first one, how they begin.
type Page struct {
	Annotations []Annotation        `json:"annotations"`
	Removed     []RemovedAnnotation `json:"removed"`

	// Revision is up to where the client knows everything now.
	Revision int64 `json:"revision"`

	// More says that there is more: it is to be asked for by MoreAnnotations.
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

// AnnotationEdit is what an annotation is to say from now on.
type AnnotationEdit struct {
	ID   int64  `json:"id"`
	Body string `json:"body"`
}

// Validate is called by Roost on what a client sent.
func (e AnnotationEdit) Validate() error { return validID("id", e.ID) }

// AnnotationRef names an annotation.
type AnnotationRef struct {
	ID int64 `json:"id"`
}

// Validate is called by Roost on what a client sent.
func (r AnnotationRef) Validate() error { return validID("id", r.ID) }

// MessageInput is what a viewer says in the chat.
type MessageInput struct {
	Body string `json:"body"`
}

// Typing says that a viewer is writing something.
type Typing struct{}

// MuteInput says that a viewer is to be muted, or not any more.
type MuteInput struct {
	UserID int64 `json:"user_id"`
	Muted  bool  `json:"muted"`
}

// Validate is called by Roost on what a client sent.
func (m MuteInput) Validate() error { return validID("user_id", m.UserID) }

// ViewerRef names a viewer.
type ViewerRef struct {
	UserID int64 `json:"user_id"`
}

// Validate is called by Roost on what a client sent.
func (r ViewerRef) Validate() error { return validID("user_id", r.UserID) }

// Annotation is an annotation as viewers see it.
type Annotation struct {
	ID int64 `json:"id"`

	// Revision grows with each change: of two forms of an annotation, the one
	// with the greater revision holds.
	Revision int64  `json:"revision"`
	User     User   `json:"user"`
	At       int64  `json:"at"` // milliseconds since the video's beginning
	Body     string `json:"body"`
	Edited   bool   `json:"edited"`

	// Muted says that only its author and the video's owner get to see it.
	Muted bool `json:"muted"`
}

// RemovedAnnotation is what is left of an annotation that was removed.
type RemovedAnnotation struct {
	ID       int64 `json:"id"`
	Revision int64 `json:"revision"`
}

// Message is what somebody said in the chat.
type Message struct {
	ID     int64  `json:"id"`
	User   User   `json:"user"`
	Body   string `json:"body"`
	SentAt int64  `json:"sent_at"` // milliseconds since 1970

	// Muted says that only its author and the video's owner get to see it.
	Muted bool `json:"muted"`
}

// User is a user as viewers see one.
type User struct {
	ID       int64  `json:"id"`
	Username string `json:"username"`
	Name     string `json:"name"`
}

// Mute says that a viewer is muted, or not any more. Only he himself and the
// video's owner are told.
type Mute struct {
	User  User `json:"user"`
	Muted bool `json:"muted"`
}

// Deleted says that the video of the topic is gone, with its annotations, and
// the conversation over.
type Deleted struct{}

// Viewer is what presence tells of one page on which a user watches.
type Viewer struct {
	Name     string `json:"name"`
	OnlineAt int64  `json:"online_at"` // seconds since 1970
	Typing   bool   `json:"typing"`
}

func validID(field string, id int64) error {
	if id <= 0 {
		return roost.Invalid(field, "must be an id")
	}
	return nil
}

func toAnnotation(a multimedia.Annotation) Annotation {
	return Annotation{
		ID: a.ID, Revision: a.Revision, User: User(a.Author), At: a.At.Milliseconds(), Body: a.Body, Edited: a.Edited, Muted: a.Muted,
	}
}

func toMessage(m multimedia.Message) Message {
	return Message{ID: m.ID, User: User(m.Author), Body: m.Body, SentAt: m.CreatedAt.UnixMilli(), Muted: m.Muted}
}
