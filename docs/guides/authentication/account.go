package authentication

import (
	"context"
	"strconv"
	"time"

	"github.com/roost-dev/roost"
)

// The contract of "account:{user}".
var (
	Renew  = roost.NewIn[Renewal, roost.Ack]("renew")
	Notice = roost.NewOut[Note]("notice")
)

// Renewal is a page's newer token.
type Renewal struct {
	Token string `json:"token"`
}

// Note is something that a user should know.
type Note struct {
	Text string `json:"text"`
}

// account is the state of a page's conversation about its user's account.
type account struct {
	socket  *roost.Socket[Session]
	session Session
	expiry  *roost.Timer
}

// expired is sent to a conversation when its session expires.
type expired struct{}

func accounts(site *Site) *roost.Handler[Session, account] {
	h := roost.NewHandler(joinAccount, nil)
	h.HandleInfo(endExpired)
	h.HandleIn(Renew, site.renew)
	h.Emits(Notice)
	return h
}

func joinAccount(_ context.Context, ch *roost.Channel[account], s *roost.Socket[Session], _ struct{}) (roost.Ack, error) {
	if ch.Param("user") != strconv.FormatInt(s.Assigns.UserID, 10) {
		return roost.Ack{}, &roost.Error{Reason: "unauthorized"}
	}
	ch.State = account{socket: s, session: s.Assigns}
	ch.State.expiry = ch.SendAfter(expired{}, time.Until(s.Assigns.Expires))
	return roost.Ack{}, nil
}

// endExpired closes the socket of a session that has expired. Its page comes back, and is refused.
func endExpired(_ context.Context, ch *roost.Channel[account], _ expired) error {
	ch.State.socket.Disconnect()
	return nil
}

// renew takes a newer token of a page whose session was prolonged.
func (site *Site) renew(ctx context.Context, ch *roost.Channel[account], in Renewal) (roost.Ack, error) {
	id, err := site.tokens.Verify(in.Token)
	if err != nil {
		return roost.Ack{}, &roost.Error{Reason: "bad token", Cause: err}
	}
	session, err := site.sessions.Session(ctx, id)
	if err != nil || session.UserID != ch.State.session.UserID {
		return roost.Ack{}, &roost.Error{Reason: "unauthorized", Cause: err}
	}
	ch.State.session = session
	ch.State.expiry.Stop()
	ch.State.expiry = ch.SendAfter(expired{}, time.Until(session.Expires))
	return roost.Ack{}, nil
}
