// Package nats joins nodes over NATS: over servers that exist ([New]), or over
// one inside each node ([Embed]), with nothing else to run.
//
//	nats.New("nats://user:password@nats.internal:4222", nil)
//
//	nats.Embed("0.0.0.0:6222", &nats.EmbedOptions{
//		Peers:  []string{"dns:roost-nodes:6222"}, // a headless service
//		Secret: os.Getenv("CLUSTER_SECRET"),      // openssl rand -base64 32
//	})
//
// # Subjects
//
// A subject of Roost is one token below the namespace, with what NATS gives a
// meaning to escaped as in URLs: "room 1.*" becomes "roost.t:room%201%2E%2A".
// One that is longer than 255 bytes then has its SHA-256 in its place.
//
// # When NATS is away
//
// With [New] messages wait in a buffer of 8 MiB for up to 5 s, both of which
// can be set; beyond either, Publish fails with [pubsub.ErrUnavailable] and
// what waited too long is dropped. Connecting is tried again every half second
// at most, with jitter. What waited leaves 0.7 s after the connection is back,
// when other nodes are back too. Messages that were on their way to a server
// when it broke, and that it has not confirmed, are not sent twice: they count
// as lost.
//
// With [Embed] there is no server to be away, only other nodes. Nothing is
// kept for those, since nobody knows whether they come back; what is on its
// way to one that dies is lost without being counted. A node that goes silent
// is noticed within 4 s. When the connection to the same run of a node is
// there again, Recovered is called at both ends.
//
// # History
//
// What topics keep ([pubsub.Options].History) is kept by JetStream, which an
// existing NATS must have enabled: NATS 2.9 or later, and rights for
// "$JS.API.>" and "$JS.EVENT.ADVISORY.STREAM.>" besides those for "roost.>".
// Each rule has a stream of its own, made by the first node that needs it, with
// the rule's Count as its limit; Bytes is not a limit here. Streams are for
// Roost alone: to forget all, delete them, and never purge them.
//
// Events go when they are as old as the rule says, or up to a 64th of that
// later. The node that appended them sees to it; of one that has crashed they
// stay until the topic has further events that are old, or for two days. The
// topic's last event stays on disk for two days, not to be read, so that the
// topic's log has no end in between.
//
// While JetStream does not answer, or has no leader, a node insists for
// Options.Patience (with [Embed]: 15 s) before an append or a read fails.
// Appends are sent again meanwhile, which JetStream notices, so that
// [history.ErrUncertain] is rare. With one replica an event that was
// acknowledged survives a crash of the server, but not one of its machine
// unless the server syncs always (sync_interval).
//
// With [Embed], nodes keep history themselves if there are at least three of
// them, each with a Name and a Dir that stay the same:
//
//	nats.Embed("0.0.0.0:6222", &nats.EmbedOptions{
//		Name: "roost-0", Dir: "/var/lib/roost", Nodes: 3, // and so on
//	})
//
// Each event is then on three nodes, and acknowledged when two have it. While
// no majority of the nodes is there, nothing is appended, read or delivered on
// topics with history. After a crash of the leader appends go on within 10 s.
//
// # When this node is slow
//
// Up to 8192 messages of other nodes wait for each of up to 8 cores. Further
// ones are dropped, counted in Health, and logged at most every 10 s.
//
// # Security of embedded servers
//
// An embedded server listens for nodes only, never for clients. Beyond
// loopback it needs a secret: both ends of each connection prove that they
// have it, by TLS 1.3 certificates made from it. It must be random, since
// whoever can reach the address can test guesses offline. A node that is let
// in is trusted: it may say and hear everything. On loopback a secret may be
// missing, and then every program on the machine is trusted.
package nats
