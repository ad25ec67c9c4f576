package nats

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/nats-io/nats.go"
)

// asked takes what came of asking about a stream. One that is not there any
// more is looked up, or made, at the next attempt.
func (l *eventLog) asked(s *stream, err error) error {
	if hasCode(err, codeNoStream, codeOtherStream) || errors.Is(err, errNobody) {
		l.lost(s)
	}
	return err
}

// Codes of JetStream's errors.
const (
	codeOtherStream   = 10060 // not the one expected
	codeNoStream      = 10059
	codeOverlap       = 10065
	codeNoMessage     = 10037
	codeNotAvailable  = 10008
	codeOtherLast     = 10071 // the last event of a topic is not the one expected
	codeOtherLastToo  = 10164 // the same
	codeSameOnItsWay  = 10158
	codeTooMuchAtOnce = 10167
)

// api asks JetStream. A nil request is empty.
func (l *eventLog) api(ctx context.Context, what string, request, response any) error {
	var data []byte
	if request != nil {
		var err error
		if data, err = json.Marshal(request); err != nil {
			return err
		}
	}
	nc, err := l.connected()
	if err != nil {
		return err
	}
	answer, err := nc.RequestMsgWithContext(ctx, &nats.Msg{Subject: "$JS.API." + what, Data: data})
	if err != nil {
		return away(ctx, err)
	}
	var failed struct {
		Error *nats.APIError `json:"error"`
	}
	if err := json.Unmarshal(answer.Data, &failed); err != nil {
		return fmt.Errorf("nats: JetStream's answer to %s is not understood: %w", what, err)
	}
	if failed.Error != nil {
		return refused(failed.Error)
	}
	if response == nil {
		return nil
	}
	return json.Unmarshal(answer.Data, response)
}

// refused is an error of JetStream's.
func refused(e *nats.APIError) error {
	err := fmt.Errorf("nats: JetStream: %w", e)
	switch e.ErrorCode {
	case codeNotAvailable, codeSameOnItsWay, codeTooMuchAtOnce, codeNoStream, codeOtherStream:
		return awayError{err}
	}
	return err
}

// hasCode reports whether an error is one of these of JetStream.
func hasCode(err error, codes ...nats.ErrorCode) bool {
	api := new(nats.APIError)
	return errors.As(err, &api) && slices.Contains(codes, api.ErrorCode)
}
