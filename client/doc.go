// Package client talks to servers of Phoenix Channels, Roost's or any other:
// one socket that stays connected, and many conversations on it, one per topic.
//
//	socket, err := client.Dial(ctx, "wss://example.com/socket/websocket", &client.Options{AuthToken: fetchToken})
//	video := socket.Channel("videos:42", &client.ChannelOptions{History: true})
//	video.On(Annotated, func(ctx context.Context, a Annotation) { ... })
//	joined, err := video.Join[Joined](ctx, JoinVideo{})
//	receipt, err := video.Call(ctx, NewAnnotation, AnnotationInput{Body: "look"})
//	err = video.Push(ctx, Typing, TypingOn{})
//
// Events are the [roost.In] and [roost.Out] values that the server uses, so a
// wrong payload or reply does not compile.
//
// # Staying connected
//
// A [Socket] that loses its connection comes back, after a pause that grows and
// is random, and its channels join again by themselves; so does a channel whose
// conversation crashed on the server. A server that says when it wants to see
// its clients again is obeyed. What ends for good is told by Done and Err. A
// connection that is dead without a word is noticed by a heartbeat, and at once
// by [Socket.Probe], for programs that know when their network changes.
//
// [Options].AuthToken and Params are asked at each try, so that what they bring
// may expire.
//
// # Long polling
//
// Where no WebSocket gets through, [Options].LongPollFallback has the socket go
// over to HTTP requests, and [Options].LongPoll begins with them. All that is
// said here holds for them too, with two differences: bytes reach the server,
// but not the client; and a server needs up to half a minute to notice that a
// client is gone, unless that closes its socket. A socket that fell back tries
// from time to time, and after [Socket.Probe], whether a WebSocket gets through
// now. If so, a Roost server has it go on over that: the same session, without an
// interruption (spec/protocol.md §23).
//
// # Calls while there is no connection
//
// Nothing is queued. [Channel.Call] and [Channel.Push] wait until the channel is
// joined, at most until their context ends or for [Options].Timeout, and then
// send. A call that was sent and whose connection is lost before the reply ends
// in [ErrInterrupted]: the server may have handled it or not, and it is not sent
// again.
//
// # Calls that take effect once
//
// [Channel.CallOnce] makes a call whose effect must not be lost, nor come twice:
// an order, a payment, a message. It is numbered, and sent again after each
// interruption until it is answered, and a Roost server that has handled the
// number before answers what it answered then. What waits for its answer is
// bounded by [ChannelOptions].Outbox. The server remembers for some minutes: if
// it cannot say what became of a call, because the client was away for longer or
// the server itself went, that is [ErrOutcomeUnknown], and the effect is there
// once or not at all.
//
// # Events
//
// The callbacks of one channel run one at a time, in the order in which the
// server sent the events, on a goroutine of the channel's own. They may block,
// and call the channel; nothing but further events of that channel waits for
// them. What waits is bounded, see [ChannelOptions].Inbox: beyond it the client
// leaves the conversation and joins anew when half of it was handled.
//
// # Presence
//
// The channel's method Presence makes a replica of who is present on the topic,
// typed by the metas that the server tracks; see [Presence].
//
//	viewers := video.Presence[ViewerMeta]()
//	viewers.OnJoin(func(ctx context.Context, c client.PresenceChange[ViewerMeta]) { ... })
//
// # Parts of a program
//
// A socket has one channel for a topic. Where several parts of a program want
// the same, and do not know of each other, [Socket.Share] gives each a part of
// one conversation: with callbacks of its own, and a Leave that concerns nobody
// else until the last one leaves.
//
// # History
//
// A channel that asks for the history of its topic says when it rejoins where it
// stood, and gets what it missed, each event once and in order, before what is
// live. If the server no longer has all of it, [Channel.OnGap] tells. Without
// history, what is sent while the client is away is lost.
package client
