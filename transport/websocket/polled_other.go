//go:build !linux

package websocket

import "net"

// pollers is nothing where there is no poller.
type pollers struct{}

// newPolled returns nil: every connection is a parked line.
func newPolled(*Handler, net.Conn) *conn { return nil }
