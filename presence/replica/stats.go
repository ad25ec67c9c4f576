package replica

// Stats are counts for operators, of this replica alone.
type Stats struct {
	Peers      int // nodes that are up
	OwnTopics  int // topics with own presences
	OwnEntries int
	OwnBytes   int // of the entries above, roughly

	WantedTopics int
	HeldTopics   int // pairs of a node and a topic that something is held of
	HeldEntries  int
	HeldBytes    int // of the entries above, roughly

	Stale      int // pairs of a node and a topic that a snapshot is awaited of
	Tombstones int // topics without own presences that peers have yet to hear of
}

// Stats returns the counts as they are now, at a cost that does not grow with
// topics or entries.
func (r *Replica) Stats() Stats { return Stats{} }

// OwnTopics returns the topics with own presences, in no order.
func (r *Replica) OwnTopics() []string { return nil }

// Own returns the own presences on a topic, oldest first.
func (r *Replica) Own(topic string) []Entry { return nil }

// Held returns what is held of other nodes on a topic, by node, each oldest
// first. Only nodes with presences are in it.
func (r *Replica) Held(topic string) map[NodeID][]Entry { return nil }
