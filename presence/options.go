package presence

import (
	"context"
	"log/slog"
	"time"
)

// Options configures a [Presence]. The zero value has all defaults.
type Options[M any] struct {
	// Name tells this tracker from others that use the same PubSub. Trackers
	// of one name on several nodes are one; two of one name on one PubSub, even
	// if the first is closed, are a mistake, and New panics. Default "". It
	// matters with an adapter only.
	Name string

	// Fetch adds to what clients see of a key, for example the user's name
	// from a database. It gets the keys of one batch with all their metas,
	// and returns for each of them a struct or a map whose fields are put
	// beside "metas"; nothing for a key is fine.
	//
	// It is called once for all joins of a diff, and what it returned stays
	// with a key until the key's next join, update or end: a list needs it
	// only for keys where it failed before. If it fails, panics or is late,
	// that is logged, and clients get what is known without it.
	//
	// It runs on a goroutine of its own, one at a time per topic; meanwhile
	// the topic's clients are told nothing. Each node calls it for what it
	// tells its own clients, once per diff as well.
	Fetch func(ctx context.Context, topic string, presences map[string]Entry[M]) (map[string]any, error)

	// FetchTimeout bounds a Fetch. While one that was late has still not
	// returned, its topic goes without. 0: 5 s; negative: no bound.
	FetchTimeout time.Duration

	// OnChange is told of changes after clients were. It is called on a
	// goroutine of its own, one at a time per topic; what happens meanwhile
	// comes together in the next call, and clients do not wait for it. Its
	// ctx ends when the tracker is closed.
	//
	// On each node it is told of all changes on the topics that the node wants
	// (see the package's documentation), wherever they were made. That a node
	// ceases to want a topic is no change; if it wants it again, those who are
	// on other nodes then are told of as joins.
	OnChange func(ctx context.Context, c Change[M])

	// Window is how long changes are gathered after a diff was sent, so that
	// a crowd that comes at once does not send a message from each to each.
	// 0: 20 ms; negative: every change is sent at once, as Phoenix does,
	// but for those that come while another is being sent.
	Window time.Duration

	// Logger takes what no caller can be told. nil: slog.Default().
	Logger *slog.Logger
}

const (
	defaultFetchTimeout = 5 * time.Second
	defaultWindow       = 20 * time.Millisecond
)
