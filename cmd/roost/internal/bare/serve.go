//go:build linux

package bare

import (
	"fmt"

	"github.com/roost-dev/roost/internal/ws"
)

// serve answers a message.
func (s *Server) serve(c *conn, text []byte) error {
	m, err := ws.Split(text)
	if err != nil {
		return err
	}
	switch string(m.Event) {
	case `"ping"`:
		s.reply(m, m.Payload)
	case `"shout"`:
		s.said = ws.AppendServer(s.said, ws.Text, s.text(`[null,null,`, m.Topic, `,"shout",`, m.Payload, `]`))
		if s.PerBroadcast {
			return s.broadcast()
		}
	case `"phx_join"`:
		s.join(c)
		s.reply(m, empty)
	case `"phx_leave"`:
		s.leave(c)
		s.reply(m, empty)
		s.out = ws.AppendServer(s.out, ws.Text, s.text(`[`, m.JoinRef, `,`, m.JoinRef, `,`, m.Topic, `,"phx_close",{}]`))
	case `"heartbeat"`:
		s.reply(m, empty)
	default:
		return fmt.Errorf("bare: only ping and shout are served, not %s", m.Event)
	}
	return nil
}

var empty = []byte("{}")

func (s *Server) reply(m ws.Message, response []byte) {
	s.out = ws.AppendServer(s.out, ws.Text,
		s.text(`[`, m.JoinRef, `,`, m.Ref, `,`, m.Topic, `,"phx_reply",{"status":"ok","response":`, response, `}]`))
}

// text is the parts, strings and slices of bytes, in one; valid until the next call.
func (s *Server) text(parts ...any) []byte {
	s.scratch = s.scratch[:0]
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			s.scratch = append(s.scratch, p...)
		case []byte:
			s.scratch = append(s.scratch, p...)
		}
	}
	return s.scratch
}

// broadcast sends everybody what was said since.
func (s *Server) broadcast() error {
	said := s.said
	s.said = s.said[:0]
	for _, c := range s.joined {
		if err := send(c, said); err != nil {
			return err
		}
	}
	return nil
}
