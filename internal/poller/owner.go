package poller

import "time"

// Ready tells what happened to a descriptor: any of these.
type Ready uint8

// What can happen.
const (
	Readable Ready = 1 << iota // there is something to read, or the end
	Ended                      // the peer will send no more, or the connection is broken: read until Read fails
	Writable                   // the kernel takes bytes again
	Woken                      // Wake was called
	Due                        // the deadline passed, or a part of a long one: set it again
)

// Owner is whose descriptor it is. The loop calls it, one call at a time for
// each loop, so it must not block.
type Owner interface {
	Ready(what Ready, turn *Turn)
}

// Turn is one turn of a loop.
type Turn struct {
	Now time.Duration // on the poller's clock, when the turn began
	Buf []byte        // to read into; the owner's during the call
}
