package websocket_test

import (
	"testing"

	"github.com/roost-dev/roost/transport/transporttest"
	"github.com/roost-dev/roost/transport/websocket"
)

func TestHandlerKeepsTheContractOfTransports(t *testing.T) {
	for name, noPoller := range map[string]bool{"poller": false, "goroutines": true} {
		t.Run(name, func(t *testing.T) {
			transporttest.WebSocket(t, func(cfg transporttest.Config) transporttest.Handler {
				return websocket.New(websocket.Config{
					Accept: cfg.Accept, MaxMessage: cfg.MaxMessage, IdleTimeout: cfg.IdleTimeout, Outbox: cfg.Outbox, Compress: cfg.Compress,
					NoPoller: noPoller,
				})
			})
		})
	}
}
