package nats

import (
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"time"
)

// logPause is how often at most the same thing is logged.
const logPause = 10 * time.Second

// limiter keeps what happens often from filling the log. Its zero value is
// ready for use.
type limiter struct {
	mu     sync.Mutex // guards events
	events map[string]*occurrence
}

type occurrence struct {
	logged time.Time
	count  int // since then
}

// allow reports whether to log this now, and how often it has happened since
// it was logged.
func (l *limiter) allow(what string) (times int, ok bool) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.events == nil {
		l.events = make(map[string]*occurrence)
	}
	o := l.events[what]
	if o == nil {
		o = new(occurrence)
		l.events[what] = o
	}
	o.count++
	if now.Sub(o.logged) < logPause {
		return o.count, false
	}
	times = o.count
	o.logged, o.count = now, 0
	return times, true
}

// serverLog takes what the embedded server says. It says much: what only
// concerns people who run NATS servers is for debugging here.
type serverLog struct {
	logger *slog.Logger
	limit  limiter

	mu    sync.Mutex // guards fatal
	fatal string     // why the server cannot run
}

func (s *serverLog) Noticef(format string, args ...any) {
	s.logger.Debug("nats server: " + sprintf(format, args))
}

func (s *serverLog) Warnf(format string, args ...any) {
	if !strings.HasPrefix(format, "Maximum payloads over") { // that is our choice
		s.warn(format, args)
	}
}

func (s *serverLog) Errorf(format string, args ...any) {
	if strings.HasPrefix(format, "Error trying to connect to route") {
		return // the mesh tells that better
	}
	s.warn(format, args)
}

// Fatalf is told of the two listeners, and that for clients must fail.
func (s *serverLog) Fatalf(format string, args ...any) {
	if strings.HasPrefix(format, "Error listening on port") {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fatal = sprintf(format, args)
}

func (*serverLog) Debugf(string, ...any) {}

func (*serverLog) Tracef(string, ...any) {}

func (s *serverLog) warn(format string, args []any) {
	if n, ok := s.limit.allow(format); ok {
		s.logger.Warn("nats server: "+sprintf(format, args), "times", n)
	}
}

func (s *serverLog) failure() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fatal
}

// sprintf keeps the passwords of URLs out of the log.
func sprintf(format string, args []any) string {
	for i, arg := range args {
		if u, ok := arg.(*url.URL); ok {
			args[i] = u.Redacted()
		}
	}
	return fmt.Sprintf(format, args...)
}
