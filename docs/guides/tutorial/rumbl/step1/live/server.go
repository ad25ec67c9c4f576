// Package live is what happens on open pages: who may connect, and what
// people hear of each other.
package live

import (
	"context"
	"errors"
	"unicode/utf8"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/contract"
)

// Visitor is who opened a socket.
type Visitor struct{ Name string }

// NewServer returns the server of the sockets, to be mounted at /socket/.
func NewServer() *roost.Server[Visitor] {
	server := roost.NewServer(connect, nil)
	server.Handle("videos:{id}", videos())
	return server
}

// Contract is what web/contract.ts is made of.
func Contract() (*contract.Contract, error) { return NewServer().Contract() }

// connect lets in whoever says a name.
func connect(_ context.Context, r *roost.ConnectRequest) (Visitor, error) {
	name := r.Param("name")
	if length := utf8.RuneCountInString(name); length < 1 || length > 40 {
		return Visitor{}, errors.New("a name has 1 to 40 characters")
	}
	return Visitor{name}, nil
}
