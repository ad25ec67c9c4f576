package redis

// layout says which server has what. It does not change.
type layout struct {
	cluster bool
	owners  []*server        // by slot in a cluster, else the only one
	servers map[*server]bool // each that has something
}

func newLayout(cluster bool, owners []*server) *layout {
	l := &layout{cluster: cluster, owners: owners, servers: make(map[*server]bool)}
	for _, s := range owners {
		l.servers[s] = true
	}
	return l
}

func (l *layout) owner(channel string) *server {
	if !l.cluster {
		return l.owners[0]
	}
	return l.owners[slotOf(channel)]
}

// changes returns the servers that have less in the next layout, and those
// that have more.
func (l *layout) changes(next *layout) (losers, winners map[*server]bool) {
	losers, winners = make(map[*server]bool), make(map[*server]bool)
	for slot := range slotCount {
		if from, to := l.at(slot), next.at(slot); from != to {
			losers[from], winners[to] = true, true
		}
	}
	return losers, winners
}

func (l *layout) at(slot int) *server {
	if !l.cluster {
		return l.owners[0]
	}
	return l.owners[slot]
}
