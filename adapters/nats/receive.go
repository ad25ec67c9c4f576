package nats

import (
	"hash/maphash"
	"runtime"

	"github.com/nats-io/nats.go"

	"github.com/roost-dev/roost/pubsub"
)

// laneSize is how many messages of other nodes wait in a lane. Further ones
// are dropped, and counted.
const laneSize = 8192

// maxLanes bounds the goroutines that give the receiver what comes.
const maxLanes = 8

var laneSeed = maphash.MakeSeed()

// openLanes starts the goroutines that receive. A subject stays in its lane,
// and so in order.
func (l *link) openLanes() {
	l.lanes = make([]chan *nats.Msg, min(runtime.GOMAXPROCS(0), maxLanes))
	for i := range l.lanes {
		lane := make(chan *nats.Msg, laneSize)
		l.lanes[i] = lane
		l.tasks.Go(func() { l.receive(lane) })
	}
}

func (l *link) lane(subject string) chan *nats.Msg {
	return l.lanes[maphash.String(laneSeed, subject)%uint64(len(l.lanes))]
}

func (l *link) receive(lane <-chan *nats.Msg) {
	for {
		select {
		case m := <-lane:
			if l.ctx.Err() != nil {
				return
			}
			e := new(pubsub.Envelope)
			err := e.UnmarshalBinary(m.Data)
			if err == nil {
				err = l.place(e, m)
			}
			if err != nil {
				l.dropped.Add(1)
				l.report("nats: something that is no envelope came", "subject", m.Subject, "error", err)
				continue
			}
			l.receiver.Receive(e)
		case <-l.ctx.Done():
			return
		}
	}
}
