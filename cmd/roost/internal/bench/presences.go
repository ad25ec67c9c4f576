//go:build linux

package bench

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/roost-dev/roost/internal/ws"
)

// errJSON says that a payload cannot be read.
var errJSON = errors.New("it is not the JSON of presences (spec/protocol.md §14)")

// errLeft says that a diff has somebody leave.
var errLeft = errors.New("somebody left, and nobody should")

// scanState reads a presence_state, with entry called for each meta: a presence has several where a user has several
// clients. It reads as much of JSON as it needs: a thousand users get megabytes of it, and a decoder would take longer
// than the server.
func scanState(text []byte, entry func(key, ref []byte) error) error {
	c := cursor{rest: text}
	return c.presences(entry)
}

// scanDiff reads a presence_diff, with entry called for each meta that joined.
func scanDiff(text []byte, entry func(key, ref []byte) error) error {
	c := cursor{rest: text}
	return c.object(func(name []byte) error {
		switch string(name) {
		case "joins":
			return c.presences(entry)
		case "leaves":
			return c.presences(func(key, _ []byte) error { return fmt.Errorf("%w: %s", errLeft, key) })
		}
		return c.skip()
	})
}

// A cursor reads JSON from the start of rest.
type cursor struct {
	rest []byte
}

func (c *cursor) presences(entry func(key, ref []byte) error) error {
	return c.object(func(key []byte) error {
		return c.object(func(name []byte) error {
			if string(name) != "metas" {
				return c.skip()
			}
			return c.array(func() error {
				ref, err := c.ref()
				if err != nil {
					return err
				}
				return entry(key, ref)
			})
		})
	})
}

// ref reads a meta and returns its phx_ref.
func (c *cursor) ref() (ref []byte, err error) {
	err = c.object(func(name []byte) error {
		if string(name) != "phx_ref" {
			return c.skip()
		}
		var err error
		ref, err = c.str()
		return err
	})
	if err == nil && len(ref) == 0 {
		err = errJSON
	}
	return ref, err
}

// object reads an object; value must read the value of each name.
func (c *cursor) object(value func(name []byte) error) error {
	return c.list('{', '}', func() error {
		name, err := c.str()
		if err != nil {
			return err
		}
		if c.peek() != ':' {
			return errJSON
		}
		c.rest = c.rest[1:]
		return value(name)
	})
}

// array reads an array; element must read each element.
func (c *cursor) array(element func() error) error { return c.list('[', ']', element) }

func (c *cursor) list(first, last byte, item func() error) error {
	if c.peek() != first {
		return errJSON
	}
	c.rest = c.rest[1:]
	if c.peek() == last {
		c.rest = c.rest[1:]
		return nil
	}
	for {
		if err := item(); err != nil {
			return err
		}
		switch c.peek() {
		case ',':
			c.rest = c.rest[1:]
		case last:
			c.rest = c.rest[1:]
			return nil
		default:
			return errJSON
		}
	}
}

// str reads a string and returns it as it is written.
func (c *cursor) str() ([]byte, error) {
	if c.peek() != '"' {
		return nil, errJSON
	}
	n := ws.StringLen(c.rest)
	if n == 0 {
		return nil, errJSON
	}
	s := c.rest[1 : n-1]
	c.rest = c.rest[n:]
	return s, nil
}

// skip reads any value, however deep, without checking its inside.
func (c *cursor) skip() error {
	for depth := 0; ; {
		switch c.peek() {
		case 0:
			return errJSON
		case '"':
			if _, err := c.str(); err != nil {
				return err
			}
		case '{', '[':
			depth++
			c.rest = c.rest[1:]
		case '}', ']':
			depth--
			c.rest = c.rest[1:]
		case ',', ':':
			c.rest = c.rest[1:]
		default: // a number or a literal
			c.rest = c.rest[max(1, bytes.IndexAny(c.rest, ",:]} \t\r\n")):]
		}
		if depth < 0 {
			return errJSON
		}
		if depth == 0 {
			return nil
		}
	}
}

// peek returns the next byte that is no white space, 0 at the end.
func (c *cursor) peek() byte {
	for len(c.rest) > 0 && c.rest[0] <= ' ' {
		c.rest = c.rest[1:]
	}
	if len(c.rest) == 0 {
		return 0
	}
	return c.rest[0]
}
