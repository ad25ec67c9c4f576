package replay

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"sync"
	"syscall"
	"time"
)

// A Target is the server to replay against.
type Target struct {
	Addr   string                // host:port, plain TCP
	Signal func(os.Signal) error // signals its process; nil where there is none to signal
}

// cutNote is the note by which a recording says that the client cut a connection.
var cutNote = regexp.MustCompile(`^(\w+)'s TCP cut$`)

// Play replays a transcript and returns the first thing that differs, nil if nothing does. It keeps the pauses that
// matter, so it may take as long as the recording.
func Play(ctx context.Context, t Transcript, target Target) error {
	ctx, cancel := context.WithCancel(ctx)
	p := &player{
		ctx: ctx, target: target, steps: t.Steps, free: newBindings(),
		conns: map[string]*conn{}, came: map[*Step]bool{}, polls: map[*Step]chan poll{},
	}
	defer p.close()
	defer cancel()
	ops := schedule(t.Steps)
	p.timed = waitsForClock(ops)
	p.last = time.Now()
	for _, o := range ops {
		if err := p.do(o); err != nil {
			return fmt.Errorf("%s: %v: %w", t.Name, o.step, err)
		}
		p.last = time.Now()
	}
	if err := p.expectSilence(); err != nil {
		return fmt.Errorf("%s: at the end: %w", t.Name, err)
	}
	return nil
}

// A player is the state of one replay. One goroutine does its steps.
type player struct {
	ctx    context.Context
	target Target
	steps  []Step
	free   *bindings
	timed  bool      // something in it waits for a clock, so that coming late is a difference too
	last   time.Time // when the step before ended

	conns map[string]*conn
	came  map[*Step]bool      // messages that came before others they may precede
	polls map[*Step]chan poll // the answers to requests that were begun

	requests sync.WaitGroup
}

// A poll is the answer to a request and how long it took.
type poll struct {
	res  *Response
	took time.Duration
	err  error
}

func (p *player) close() {
	for _, c := range p.conns {
		c.close()
	}
	p.requests.Wait()
}

func (p *player) do(o op) error {
	select {
	case <-time.After(o.delay()):
	case <-p.ctx.Done():
		return p.ctx.Err()
	}
	s := o.step
	switch s.Dir {
	case "connect":
		return p.connect(s)
	case "send":
		return p.send(s)
	case "recv":
		return p.receive(s, o.pause)
	case "recv_nothing":
		return p.receiveNothing(s)
	case "http":
		return p.http(o)
	case "server_action":
		return p.act(s)
	case "note":
		return p.cut(cutNote.FindStringSubmatch(s.Note)[1])
	}
	return fmt.Errorf("unknown direction %q", s.Dir)
}

func (p *player) connect(s *Step) error {
	c, res, err := dial(p.ctx, p.target.Addr, s, p.free.substitute)
	if err != nil {
		return err
	}
	if c != nil {
		p.conns[s.Conn] = c
	}
	return p.free.matchResponse(s, res)
}

// conn finds the connection of a step.
func (p *player) conn(name string) (*conn, error) {
	if c := p.conns[name]; c != nil {
		return c, nil
	}
	return nil, fmt.Errorf("connection %s is not open", name)
}

func (p *player) send(s *Step) error {
	c, err := p.conn(s.Conn)
	if err != nil {
		return err
	}
	payload, err := s.Payload()
	if err != nil {
		return err
	}
	opcode := s.Opcode
	switch s.Kind {
	case "text":
		opcode = opText
	case "binary":
		opcode = opBinary
	}
	return c.send(opcode, payload, s.Opts)
}

func (p *player) cut(name string) error {
	c, err := p.conn(name)
	if err == nil {
		c.close()
	}
	return err
}

// receive waits for the frame of a step. Frames that may come earlier than recorded are set off against their steps.
func (p *player) receive(s *Step, pause time.Duration) error {
	c, err := p.conn(s.Conn)
	if err != nil {
		return err
	}
	limit := ioTimeout
	if p.timed {
		limit = pause + slack
	}
	for !p.came[s] {
		f, ok := c.next(limit)
		if !ok {
			return fmt.Errorf("nothing came within %v", limit)
		}
		if err := p.matchFrame(c, s, f); err != nil {
			return err
		}
	}
	if took := time.Since(p.last); pause >= deliberate && took < pause*8/10 {
		return fmt.Errorf("came after %v, in the recording after %v", took, pause)
	}
	return nil
}

func (p *player) matchFrame(c *conn, s *Step, f frame) error {
	if f.kind() != s.Kind {
		return fmt.Errorf("want %s %s, got %v", s.Kind, clip(s.Data), f)
	}
	switch s.Kind {
	case "text":
		return p.matchText(s, f)
	case "close":
		if f.closeCode() != s.Code {
			return fmt.Errorf("want close code %d, got %v", s.Code, f)
		}
		if len(f.payload) <= 2 && !c.beganClose() {
			return errors.New("the server closed without giving a reason")
		}
	case "tcp_eof":
		if !orderlyEnd(f.end) {
			return f.end
		}
	default:
		want, err := hex.DecodeString(s.Data)
		if err != nil {
			return fmt.Errorf("data is not hex: %w", err)
		}
		if !bytes.Equal(want, f.payload) {
			return fmt.Errorf("want %s, got %v", clip(s.Data), f)
		}
	}
	p.came[s] = true
	return nil
}

func (p *player) matchText(s *Step, f frame) error {
	if compressed := s.FrameByte0 == "0xc1"; compressed != (f.rsv() == 4) {
		return fmt.Errorf("want compressed %v, got first byte %#x", compressed, f.first)
	}
	got, err := parse(string(f.payload))
	if err != nil {
		return err
	}
	var steps []*Step
	var want []expectation
	for _, o := range p.following(s) {
		if p.came[o] {
			continue
		}
		if o.Dir != "recv" || o.Kind != "text" {
			break
		}
		value, err := parse(o.Data)
		if err != nil {
			return fmt.Errorf("the recording: %w", err)
		}
		steps, want = append(steps, o), append(want, expectation{value, o.at()})
	}
	found, err := p.free.pick(want, got)
	if err != nil {
		return fmt.Errorf("frame%w\nwant %s\ngot  %v", err, clip(s.Data), f)
	}
	for _, at := range found {
		p.came[steps[at]] = true
	}
	return nil
}

// following returns the steps of one connection from s on.
func (p *player) following(s *Step) []*Step {
	var steps []*Step
	for i := range p.steps {
		o := &p.steps[i]
		if o == s || len(steps) > 0 && o.Conn == s.Conn {
			steps = append(steps, o)
		}
	}
	return steps
}

func (p *player) receiveNothing(s *Step) error {
	c, err := p.conn(s.Conn)
	if err != nil {
		return err
	}
	if f, ok := c.next(s.span()); ok {
		return fmt.Errorf("want nothing, got %v", f)
	}
	return nil
}

func (p *player) http(o op) error {
	s := o.step
	if o.phase != finish {
		answered := make(chan poll, 1)
		p.polls[s] = answered
		r := request{s.Method, p.free.substitute(s.URL), mergeHeaders(nil, s.Headers, p.free.substitute), s.Body}
		p.requests.Go(func() {
			start := time.Now()
			var res *Response
			var err error
			if s.Response != nil {
				res, err = exchange(p.ctx, p.target.Addr, r)
			} else {
				err = abandon(p.ctx, p.target.Addr, r, s.span())
			}
			answered <- poll{res, time.Since(start), err}
		})
	}
	if o.phase == begin {
		return nil
	}
	answer := <-p.polls[s]
	if answer.err != nil || s.Response == nil {
		return answer.err
	}
	if err := p.free.matchResponse(s, answer.res); err != nil {
		return err
	}
	recorded := s.span()
	if answer.took < recorded*8/10 && recorded > settle*5 {
		return fmt.Errorf("answered after %v, in the recording after %v", answer.took, recorded)
	}
	if p.timed && answer.took > recorded+slack {
		return fmt.Errorf("answered after %v, in the recording after %v", answer.took, recorded)
	}
	return nil
}

// act does what the recording did to the server from outside.
func (p *player) act(s *Step) error {
	if s.Action == "SIGTERM" {
		if p.target.Signal == nil {
			return errors.New("there is no process to signal")
		}
		return p.target.Signal(syscall.SIGTERM)
	}
	res, err := exchange(p.ctx, p.target.Addr, request{method: "GET", target: s.Action})
	if err != nil {
		return err
	}
	if res.Status != http.StatusOK {
		return fmt.Errorf("want status 200, got %d %s", res.Status, clip(res.Body))
	}
	return nil
}

// expectSilence looks for frames that nobody asked for, on connections that were read after the last thing anyone did.
func (p *player) expectSilence() error {
	read := map[string]bool{}
	for _, s := range p.steps {
		switch s.Dir {
		case "connect", "send", "server_action", "note":
			clear(read)
		case "recv", "recv_nothing":
			read[s.Conn] = true
		}
	}
	time.Sleep(settle)
	for name := range read {
		if f, ok := p.conns[name].next(0); ok {
			return fmt.Errorf("connection %s: want nothing, got %v", name, f)
		}
	}
	return nil
}
