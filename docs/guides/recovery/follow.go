package recovery

import (
	"context"
	"errors"

	"github.com/roost-dev/roost/client"
)

// follow shows a video's annotations, whatever happens to the connection. show may be given some again, and knows them by their id.
func follow(ctx context.Context, socket *client.Socket, id string, show func(...Annotation)) (*client.Channel, error) {
	video := socket.Channel("videos:"+id, &client.ChannelOptions{History: true, Outbox: 100})
	video.On(Annotated, func(_ context.Context, a Annotation) { show(a) })
	video.OnRejoin(func(_ context.Context, again Joined) {
		show(again.Snapshot...) // if more was missed than the server kept; else what was missed follows
	})
	joined, err := video.Join[Joined](ctx, nil)
	if err != nil {
		return nil, err
	}
	show(joined.Snapshot...)
	return video, nil
}

// buy buys an item once, or says that nobody knows.
func buy(ctx context.Context, video *client.Channel, item int) (string, error) {
	receipt, err := video.CallOnce(ctx, Buy, Order{Item: item})
	if errors.Is(err, client.ErrOutcomeUnknown) {
		return "", errors.New("look into your orders before you try again")
	}
	return receipt.Order, err
}
