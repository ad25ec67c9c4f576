package live

import (
	"context"
	"time"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/presence"
)

// Viewer is what presence tells of one page on which somebody watches.
type Viewer struct {
	OnlineAt int64 `json:"online_at"` // seconds since 1970
}

// trackViewer makes the page present under its visitor's name, and has it told
// who else is.
func (app *App) trackViewer(ctx context.Context, ch *roost.Channel[watching]) error {
	if err := app.viewers.Track(ctx, ch, ch.State.visitor.Name, Viewer{OnlineAt: time.Now().Unix()}); err != nil {
		return err
	}
	return app.viewers.PushState(ctx, ch)
}

// countAnnotations adds to what pages see of each viewer how much he or she has
// annotated. It is asked once for all who come together.
func (app *App) countAnnotations(ctx context.Context, _ string, present map[string]presence.Entry[Viewer]) (map[string]any, error) {
	counts, err := app.store.Counts(ctx)
	if err != nil {
		return nil, err
	}
	extra := make(map[string]any, len(present))
	for name := range present {
		extra[name] = map[string]int{"annotations": counts[name]}
	}
	return extra, nil
}
