package longpoll

import "net/http"

// What a session knows of the bridge that carries it, or is about to.

// bridgeHere does what a bridge asks for a session that is here.
func (h *Handler) bridgeHere(q request) (status int) {
	s := h.session(q.Session)
	switch {
	case s == nil:
		return http.StatusGone
	case q.Op == opYield:
		return s.yield(q.Bridge)
	case q.Op == opHandOver:
		return s.handOver(q.Bridge, q.Got)
	}
	s.releaseFrom(q.Bridge, q.End)
	return http.StatusOK
}

// yield ends the polls of the client, since a bridge is about to take its
// place.
func (s *session) yield(bridge string) (status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return http.StatusGone
	case s.carried():
		return http.StatusConflict
	}
	s.bridge, s.yielding, s.lastPoll = bridge, true, false
	s.wake()
	return http.StatusOK
}

// handOver makes the bridge the client, which has got so many messages.
func (s *session) handOver(bridge string, got uint64) (status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return http.StatusGone
	case s.bridge != bridge || !s.yielding: // the client has given up
		return http.StatusConflict
	case got != s.taken && got != s.tried, s.answering != 0 && s.answering != got:
		return http.StatusConflict
	}
	s.yielding = false
	s.polled = true
	s.acknowledge(got)
	return http.StatusOK
}

// releaseFrom ends the session if the bridge has it. If it was about to, the
// session goes on as before.
func (s *session) releaseFrom(bridge, end string) {
	s.mu.Lock()
	mine, carried := s.bridge == bridge, s.carried()
	if mine && !carried {
		s.bridge, s.yielding = "", false
	}
	s.mu.Unlock()
	switch {
	case !mine || !carried:
	case end == endSlow:
		s.end(errWebSocketSlow, false)
	case end == endLost:
		s.end(errWebSocketGone, false)
	default:
		s.end(nil, false)
	}
}

// carried reports whether the session has gone on over a WebSocket. The caller
// holds s.mu.
func (s *session) carried() bool { return s.bridge != "" && !s.yielding }

// awaited reports whether there is a bridge that is still to be told of the
// end. The caller holds s.mu.
func (s *session) awaited() bool { return s.carried() && !s.told }

// mayPoll reports whether a bridge may poll, or the client if it is none. The
// caller holds s.mu.
func (s *session) mayPoll(bridge string) bool {
	switch {
	case !s.yielding:
		return s.bridge == bridge
	case bridge != "":
		return false
	case s.lastPoll: // the client has given up on its WebSocket
		s.bridge, s.yielding = "", false
	}
	s.lastPoll = true
	return true
}

// hears reports whether messages of a bridge, or of the client if it is none,
// are taken.
func (s *session) hears(bridge string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if bridge == "" {
		return !s.closed && !s.carried()
	}
	return !s.closed && s.bridge == bridge && s.carried()
}
