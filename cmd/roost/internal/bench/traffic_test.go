//go:build linux

package bench

import (
	"io"
	"net"
	"testing"
)

func TestTheKernelTellsWhatConnectionsReceived(t *testing.T) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	near, err := net.Dial("tcp4", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer near.Close()
	far, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	say := func(from, to net.Conn, size int) {
		t.Helper()
		if _, err := from.Write(make([]byte, size)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(to, make([]byte, size)); err != nil {
			t.Fatal(err)
		}
	}
	say(near, far, 1000)
	say(far, near, 234)
	port := listener.Addr().(*net.TCPAddr).Port
	for want, ports := range map[uint64][]int{1234: {1, port}, 0: {1}} {
		if got, err := received(ports); err != nil || got != want {
			t.Errorf("ports %v have received %d bytes, want %d; %v", ports, got, want, err)
		}
	}
}
