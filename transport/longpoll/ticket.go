package longpoll

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/roost-dev/roost/transport"
)

// ticket is what a client's token says. Its zero value names no session.
type ticket struct {
	owner   string // the address of the handler that has the session; empty if handlers have none
	session string
	got     uint64 // how many messages the client had got when it was given the token, at least
}

// encode returns what is signed: the session, or "owner.session.got".
func (t ticket) encode() string {
	if t.owner == "" {
		return t.session
	}
	return t.owner + "." + t.session + "." + strconv.FormatUint(t.got, 10)
}

func decodeTicket(s string) ticket {
	rest, number, ok := strings.CutLast(s, ".")
	if !ok {
		return ticket{session: s}
	}
	got, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		return ticket{}
	}
	owner, session, _ := strings.CutLast(rest, ".")
	return ticket{owner, session, got}
}

func (h *Handler) sign(t ticket) (string, error) {
	return h.cfg.Tokens.Sign(t.encode())
}

// ticket returns what the token of r says, and the token. The header wins over
// the query. An error is a query that cannot be read.
func (h *Handler) ticket(r *http.Request) (t ticket, token string, err error) {
	token = r.Header.Get("X-Phoenix-Longpoll-Token")
	if token == "" {
		params, err := transport.ParseParams(r.URL.RawQuery)
		if err != nil {
			return ticket{}, "", err
		}
		token, _ = params["token"].(string)
	}
	if token == "" {
		return ticket{}, "", nil
	}
	if signed, err := h.cfg.Tokens.Verify(token); err == nil {
		return decodeTicket(signed), token, nil
	}
	return ticket{}, "", nil // forged, expired or of another server: the client starts anew
}

// address is where other handlers find this one; empty if it is alone.
func (h *Handler) address() string {
	if h.cfg.Peers == nil {
		return ""
	}
	return h.cfg.Peers.Self()
}

// elsewhere reports whether another handler has the session, if any has.
func (h *Handler) elsewhere(t ticket) bool {
	return t.owner != "" && h.cfg.Peers != nil && t.owner != h.address()
}

// session returns the session with this id if it is here, or nil.
func (h *Handler) session(id string) *session {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.sessions[id]
}
