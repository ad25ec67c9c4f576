//go:build !unix

package websocket

import (
	"net"
	"syscall"
)

func newRawSource(nc net.Conn, _ syscall.RawConn) source { return &streamSource{nc: nc} }
