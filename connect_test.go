package roost_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/roosttest"
	"github.com/roost-dev/roost/transport"
	"github.com/roost-dev/roost/transport/memory"
)

// The connect callback takes its time, and meanwhile others connect.
func TestSocketsThatConnectAtOnceAreBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		release := make(chan struct{})
		server := roost.NewServer(func(context.Context, *roost.ConnectRequest) (user, error) {
			<-release
			return user{}, nil
		}, &roost.Options[user]{MaxSockets: 1, Logger: textLogger(&lines{})})
		codes := make(chan transport.CloseCode, 2)
		for range 2 {
			go func() {
				conn, err := memory.Dial(server.Accept, nil)
				if err != nil {
					t.Errorf("connect: %v", err)
					return
				}
				codes <- (&rawClient{t, conn}).closed()
			}()
		}
		synctest.Wait()
		close(release)
		synctest.Wait()
		if n := server.Sockets(); n != 1 {
			t.Errorf("%d sockets are open, want 1", n)
		}
		if err := server.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		got := []transport.CloseCode{<-codes, <-codes}
		slices.Sort(got)
		if !slices.Equal(got, []transport.CloseCode{1012, 1013}) {
			t.Errorf("closed with %v, want the one too many with 1013, the other by the shutdown", got)
		}
	})
}

func TestADeferredNoReplyStaysSilent(t *testing.T) {
	bubble(t, func(t *testing.T) {
		server := new(app).server()
		h := roost.NewHandler(func(context.Context, *roost.Channel[room], *roost.Socket[user], struct{}) (roost.Ack, error) {
			return roost.Ack{}, nil
		}, nil)
		h.HandleIn(Whisper, func(_ context.Context, ch *roost.Channel[room], p say) (roost.NoReply, error) {
			later := roost.Defer[roost.NoReply](ch)
			ch.Go(func(context.Context) (any, error) {
				if p.Text == "fail" {
					return nil, later.Fail(&roost.Error{Reason: "no"})
				}
				return nil, later.Reply(roost.NoReply{})
			})
			return roost.NoReply{}, roost.ErrLater
		})
		server.Handle("quiet", h)
		ch := roosttest.Connect(t, server, named("ada")).Join("quiet", nil)
		ch.Push(Whisper, say{"x"})
		ch.ExpectNothing()
		if err := ch.CallError(Whisper, say{"fail"}); err.Reason != "no" {
			t.Errorf("got %v", err)
		}
	})
}
