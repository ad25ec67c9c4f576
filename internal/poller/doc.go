// Package poller waits for many connections with few goroutines, on Linux.
//
// A [Poller] has a fixed number of loops, each a goroutine around an epoll of
// its own. A connection belongs to one loop, which alone reads it, tells its
// owner what happened, and closes it. So an idle connection costs no goroutine
// and no buffer, and its owner is never called twice at a time.
//
// Loops also keep the time: a connection has one deadline, in steps of
// [Tick], which costs nothing to have.
package poller
