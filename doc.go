// Package roost serves Phoenix Channels: a page opens one socket to the server
// and holds many conversations over it, one per topic. Every Phoenix client
// works with it unchanged.
//
// # The model
//
// A [Server] is an [net/http.Handler] that accepts sockets. Its connect
// callback authenticates a client and returns the socket's assigns. The
// client then joins topics; for each, the [Handler] whose pattern matches
// starts a conversation, a [Channel], whose join callback decides and sets
// the state. From then on the handler's callbacks run for that conversation:
//
//	HandleIn     an event that the client pushed, decoded into its type
//	HandleInfo   a Go value from within the process: Send, SendAfter, Go
//	HandleEvent  an event of another topic: Subscribe
//	HandleOut    a broadcast of the own topic, before this client gets it
//	OnTerminate  the end
//
// Events are declared once, name and types together, as [In] and [Out] values;
// a wrong payload, direction or reply does not compile.
//
// # Isolated and serial
//
// The callbacks of one conversation run one at a time, in the order of
// arrival, so its State needs no lock. They may block: nothing else waits for
// them, neither other topics of the socket nor its heartbeat. An idle
// conversation holds no goroutine. Its context ends when it ends.
//
// A panic in a callback ends that conversation alone: it is logged with its
// stack, the client gets phx_error and rejoins. A panic in a goroutine that
// you start yourself ends the process, as in any Go program; [Channel.Go] is
// there for that.
//
// # Order
//
// The join reply comes before anything else of its conversation, and what is
// broadcast while join runs comes right after it. What one conversation
// broadcasts, pushes and replies reaches its own client in the order of the
// calls. Two senders have no order between them.
//
// # Delivery
//
// A broadcast reaches each subscriber at most once; what is sent while a
// client is away is gone, unless the topic keeps its history
// ([pubsub.Options].History): then a client that asks is told what it missed,
// or that it is gone, see [Channel.Resumed]. Without, a client that rejoins
// should say what it has seen, and be told what it missed by the join reply. A
// client that does not read is disconnected with a code that makes it come
// back.
//
// A push whose reply was lost may have taken effect or not, unless the client
// marked it: then it can be sent again, takes effect once, and gets the one
// reply. The context of its callback does not end with the conversation, see
// [MarkedPushes].
//
// # Errors
//
// Only an [*Error] that a callback returns reaches a client, as {"reason":
// ...}; any other becomes reason "internal" and is logged. An error reply
// does not end the conversation; [Stop] does. Wrong wiring, such as two
// handlers for one topic, panics when the program starts.
//
// # Bounds
//
// Every queue is bounded, see [Options]. A push that finds its mailbox full
// is answered "busy"; a broadcast that does ends the conversation, and the
// client rejoins.
package roost
