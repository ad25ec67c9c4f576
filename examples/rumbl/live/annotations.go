package live

import (
	"context"
	"time"

	"github.com/roost-dev/roost"
)

func (app *App) newAnnotation(ctx context.Context, ch *roost.Channel[watching], in AnnotationInput) (Annotation, error) {
	app.stopTyping(ctx, ch)
	at := time.Duration(in.At) * time.Millisecond
	a, err := app.multimedia.Annotate(ctx, ch.State.video.ID, ch.State.viewer, at, in.Body)
	if err != nil {
		return Annotation{}, refusal(err)
	}
	added := toAnnotation(a)
	app.announce(ctx, ch, AnnotationAdded, added)
	return added, nil
}

func (app *App) editAnnotation(ctx context.Context, ch *roost.Channel[watching], in AnnotationEdit) (Annotation, error) {
	app.stopTyping(ctx, ch)
	a, err := app.multimedia.EditAnnotation(ctx, ch.State.video.ID, in.ID, ch.State.viewer.ID, in.Body)
	if err != nil {
		return Annotation{}, refusal(err)
	}
	edited := toAnnotation(a)
	app.announce(ctx, ch, AnnotationEdited, edited)
	return edited, nil
}

func (app *App) removeAnnotation(ctx context.Context, ch *roost.Channel[watching], ref AnnotationRef) (RemovedAnnotation, error) {
	a, err := app.multimedia.RemoveAnnotation(ctx, ch.State.video.ID, ref.ID, ch.State.viewer.ID)
	if err != nil {
		return RemovedAnnotation{}, refusal(err)
	}
	removed := RemovedAnnotation{ID: a.ID, Revision: a.Revision}
	app.announce(ctx, ch, AnnotationRemoved, removed)
	return removed, nil
}

// showAnnotation keeps from others what somebody writes who is muted.
func (app *App) showAnnotation(_ context.Context, ch *roost.Channel[watching], a Annotation) (Annotation, bool, error) {
	return a, ch.State.maySee(a.Muted, a.User), nil
}

func (app *App) moreAnnotations(ctx context.Context, ch *roost.Channel[watching], p JoinVideo) (Page, error) {
	return app.page(ctx, &ch.State, p.Revision)
}

func (app *App) page(ctx context.Context, w *watching, after int64) (Page, error) {
	found, err := app.multimedia.AnnotationsAfter(ctx, w.video.ID, w.viewer.ID, after, pageSize+1)
	if err != nil {
		return Page{}, err
	}
	page := Page{Annotations: []Annotation{}, Removed: []RemovedAnnotation{}, Revision: after, More: len(found) > pageSize}
	for _, a := range found[:min(len(found), pageSize)] {
		page.Revision = a.Revision
		if a.Removed {
			page.Removed = append(page.Removed, RemovedAnnotation{ID: a.ID, Revision: a.Revision})
			continue
		}
		page.Annotations = append(page.Annotations, toAnnotation(a))
	}
	return page, nil
}
