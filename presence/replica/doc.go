// Package replica is one node's part of the cluster's presence: its own
// presences, and copies of those that other nodes have on the topics it wants.
//
// A [Replica] is pure state. It knows no goroutine, clock, lock or connection:
// its owner calls it, carries the messages of [Replica.Take] to others and
// their messages to [Replica.Receive], and tells it which nodes a failure
// detector believes in. Messages may be lost, come twice, late and in any
// order; nodes may be cut off, paused, and crash. Whatever happened, one
// digest period and two round trips after it ended (more where much has to be
// split) a replica holds, of every node that is up, exactly what that node has
// on the wanted topics, in the same order.
//
// # Single writers
//
// A node that restarts is another one: a [NodeID] names an incarnation, and
// only that incarnation writes its presences. So there is nothing to merge. A
// writer counts its deltas, on all topics together; the count is its version.
// What another node holds of it on a topic is always what the writer had there
// as of some version of its, asOf, and the whole protocol is about raising
// asOf. Whatever a message says was true as of a version that the message
// names, so a message can be old but never wrong, and what is older than asOf
// is dropped.
//
// # Deltas
//
// The changes that the writer gathered on a topic since the last Take go as
// one delta to the topic's watchers. It names its own version and prev, that of
// the topic's delta before it; 0 if the topic had no presences before, for then
// it says all. A receiver with prev <= asOf < version applies it and is at
// version. With version <= asOf it knew. With asOf < prev something is missing
// between: the topic is stale and needs version at least. Some deltas behind a
// gap are kept, and applied when a snapshot or a late delta fills it.
//
// # Snapshots
//
// An ask is answered with all that its receiver has on a topic, and with its
// version, which is asOf; it may have nothing. Those who begin to want a topic
// ask its owners through the engine, after they have subscribed to its deltas;
// those who find a topic stale ask its writer. A snapshot with a larger asOf
// replaces what is held, and is reported as the difference. It ends the
// staleness if asOf is what is needed; as a writer's version is never less than
// what it told anybody, a snapshot asked for later always does.
//
// # Copies
//
// A node that is about to stop, or has, and whose users are on their way to other
// nodes, may not answer any more. What others hold of it is told until it is down
// by those who get an ask and hold something, in its name, with the asOf up to
// which they know it to be the truth. It makes no difference who says what was
// true as of a version, so a copy is taken as the writer's snapshot is. An ask
// reaches owners only: what is held only by nodes without presences of their own
// on the topic is not found.
//
// # Pulls
//
// What a gap does not show, since no delta followed the lost one, is found by
// pulls. Every tick a node asks each other one what it touched after version
// seen, and tells which topics it began to want that the other has not answered
// to, by their digests and their numbers: every want has a larger number than
// all before. The answer lists by digest and version the topics that were
// touched last after seen, those among them that have become empty; then those
// of the new wants that the answering node has presences on; and its version
// now. With it the node knows, for each wanted topic up to a number acked:
//
//	it is stale, or what is held of it, which may be nothing, is what the
//	other node had as of its version seen at least.
//
// For a topic that the answer lists is stale unless asOf is as new, one that it
// could have listed and does not has not changed, or is empty. So seen raises
// asOf for all topics at once, nothing needs to be remembered of a topic that
// has become empty once seen is past that, and an idle pair exchanges a few
// bytes whatever it shares. An answer counts only if this follows from it: it
// is not older than the last one, begins no later than what is known, both in
// versions and in wants, or tells of all wants that count.
//
// A first pull has no seen, and all wants. Large ones are sent in turns. An
// answer with too many touched topics is cut after the version till. That does
// not make till the new seen: a topic that was touched before till and again
// since is listed only where it was touched last, in the part to come. So the
// parts only move a cursor, and seen follows when the last one has come.
//
// A topic that has become empty stays listed as a tombstone until every node
// that is up has pulled past it, or until there are too many. A pull from
// before a tombstone that is gone is answered with reset: then the node pulls as
// if for the first time, with all its wants, but keeps what it holds.
//
// # Bounds
//
// A node holds nothing of topics that it does not want, and nothing of nodes
// that are down. No message is larger than [Options].MaxMessage, but for one
// with a single larger entry: deltas are split into several with a version
// each, snapshots into parts that count when all have come. At most 1,024
// snapshots are awaited of a node before more are asked for, and 16 deltas are
// kept per gap. Requests of one node for one topic, and pulls of one node, are
// answered once per Take.
//
// Nodes trust each other: the engine between them keeps others out. A malformed
// message is an error and changes nothing, and a length that lies allocates
// nothing.
package replica
