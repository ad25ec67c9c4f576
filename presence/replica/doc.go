// Package replica is one node's part of the cluster's presence: its own
// presences, and copies of those that other nodes have on the topics it wants.
package replica
