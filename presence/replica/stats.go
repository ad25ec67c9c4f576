package replica

// Stats are counts for operators, of this replica alone.
type Stats struct {
	Peers      int // nodes that are up
	OwnTopics  int // topics with own presences, as of the last Take
	OwnEntries int
	OwnBytes   int // of memory for the entries above, roughly

	WantedTopics int
	HeldTopics   int // pairs of a node and a wanted topic that something is known of
	HeldEntries  int
	HeldBytes    int // of memory for the entries above, roughly

	Stale      int // pairs of a node and a topic that a snapshot is awaited of
	Tombstones int // topics without own presences that peers have yet to hear of
}

// Stats returns the counts as they are now, at a cost that grows with the
// nodes only.
func (r *Replica) Stats() Stats {
	s := Stats{
		Peers:        len(r.peers),
		OwnTopics:    len(r.own.topics) - r.own.tombs.live,
		OwnEntries:   r.own.tally.entries,
		OwnBytes:     r.own.tally.bytes,
		WantedTopics: len(r.wants),
		HeldEntries:  r.tally.entries,
		HeldBytes:    r.tally.bytes,
		Tombstones:   r.own.tombs.live,
	}
	for _, p := range r.peers {
		s.HeldTopics += len(p.held)
		s.Stale += p.stale.live
	}
	return s
}

// OwnTopics returns the topics with own presences, in no order.
func (r *Replica) OwnTopics() []string {
	topics := make([]string, 0, len(r.own.topics))
	for _, o := range r.own.topics {
		if o.roster.len() > 0 {
			topics = append(topics, o.topic)
		}
	}
	return topics
}

// Own returns the own presences on a topic, oldest first.
func (r *Replica) Own(topic string) []Entry {
	if o := r.own.topics[digestOf(topic)]; o != nil {
		return o.roster.entries()
	}
	return nil
}

// Held returns what is held of other nodes on a topic, by node, each oldest
// first. Only nodes with presences are in it.
func (r *Replica) Held(topic string) map[NodeID][]Entry {
	all := make(map[NodeID][]Entry)
	d := digestOf(topic)
	for node, p := range r.peers {
		if h := p.held[d]; h != nil && h.roster.len() > 0 {
			all[node] = h.roster.entries()
		}
	}
	return all
}
