package presence

// Stats is what a tracker holds on this node.
type Stats struct {
	Topics    int // with presences of this node's sessions
	Presences int // of this node's sessions

	RemoteTopics    int // wanted from other nodes
	RemotePresences int // held of other nodes
	RemoteBytes     int // of memory for those, roughly, beside that for lists and clients

	// Dropped is how many messages of other nodes found this one too busy.
	// What they said was asked for again.
	Dropped uint64
}

// Stats counts what the tracker holds. With an adapter that is as of a moment
// ago; without one it looks at each topic, which is not for every request.
func (p *Presence[M]) Stats() Stats {
	if r := p.replicator; r != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.stats
	}
	var s Stats
	for _, t := range p.all() {
		t.mu.RLock()
		if n := t.state.metas; n > 0 {
			s.Topics++
			s.Presences += n
		}
		t.mu.RUnlock()
	}
	return s
}

// count notes what the replica holds.
func (r *replicator[M]) count(dropped uint64) {
	s := r.replica.Stats()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stats = Stats{
		Topics:          s.OwnTopics,
		Presences:       s.OwnEntries,
		RemoteTopics:    s.WantedTopics,
		RemotePresences: s.HeldEntries,
		RemoteBytes:     s.HeldBytes,
		Dropped:         r.stats.Dropped + dropped,
	}
}
