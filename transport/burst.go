package transport

import "sync"

// Burst is several frames that go to many connections together. Like a frame
// it is shared by all its receivers, so nobody may change it.
type Burst struct {
	Frames []*Frame

	// Next follows in the same write, if it is not nil: what more receivers
	// get than get Frames.
	Next *Burst

	joinOnce sync.Once
	joined   []byte
}

// WebSocket returns all frames one behind the other, as WebSocket frames:
// each event its own, all in one write. Those of Next are not among them. It is
// shared: read only.
func (b *Burst) WebSocket() []byte {
	b.joinOnce.Do(func() {
		n := 0
		for _, f := range b.Frames {
			n += len(f.WebSocket())
		}
		b.joined = make([]byte, 0, n)
		for _, f := range b.Frames {
			b.joined = append(b.joined, f.WebSocket()...)
		}
	})
	return b.joined
}

// Each calls send with every frame, those of Next included, up to the first
// error.
func (b *Burst) Each(send func(*Frame) error) error {
	for ; b != nil; b = b.Next {
		for _, f := range b.Frames {
			if err := send(f); err != nil {
				return err
			}
		}
	}
	return nil
}
