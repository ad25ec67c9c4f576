package pubsub_test

import (
	"slices"
	"testing"

	"github.com/roost-dev/roost/pubsub"
)

type orders struct{ got []pubsub.Command }

func (o *orders) Prepare(pubsub.Command) {}

func (o *orders) Command(c pubsub.Command) { o.got = append(o.got, c) }

func TestCommandsGoToAllSocketsOfAnID(t *testing.T) {
	ps := pubsub.Local()
	var phone, laptop, other orders
	registration := ps.Register("user:7", &phone)
	ps.Register("user:7", &laptop)
	ps.Register("user:8", &other)
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	check(ps.Kick(t.Context(), "user:7", "room", "rude"))
	registration.Unregister()
	registration.Unregister()
	check(ps.Disconnect(t.Context(), "user:7"))
	check(ps.Disconnect(t.Context(), "user:9"))

	kick := pubsub.Command{Kind: pubsub.KindKick, ID: "user:7", Topic: "room", Reason: "rude"}
	disconnect := pubsub.Command{Kind: pubsub.KindDisconnect, ID: "user:7"}
	for name, tc := range map[string]struct {
		socket *orders
		want   []pubsub.Command
	}{
		"phone":  {&phone, []pubsub.Command{kick}},
		"laptop": {&laptop, []pubsub.Command{kick, disconnect}},
		"other":  {&other, nil},
	} {
		if !slices.Equal(tc.socket.got, tc.want) {
			t.Errorf("%s got %+v, want %+v", name, tc.socket.got, tc.want)
		}
	}
	if ps.Disconnect(t.Context(), "") == nil || ps.Kick(t.Context(), "", "room", "") == nil {
		t.Error("a command without an id gives no error")
	}
}
