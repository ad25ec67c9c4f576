package client

import (
	"encoding/json/v2"
	"fmt"
	"io"
	"net/http"
	"time"
)

// answerRoom is how many bytes an answer may have beside twice the largest
// message: servers put many into one.
const answerRoom = 8 << 20

// answer is what a server says to a poll or a post (spec/protocol.md §13).
type answer struct {
	Status   int      `json:"status"`
	Token    string   `json:"token"`
	Messages []string `json:"messages"`

	retryAfter time.Duration
}

// readAnswer reads an answer, whose status is that of HTTP if it has none of
// its own: then it is not the server that answers, but what stands before it.
func readAnswer(res *http.Response, maxMessage int) (answer, error) {
	most := 2*maxMessage + answerRoom
	body, err := io.ReadAll(io.LimitReader(res.Body, int64(most)+1))
	_ = res.Body.Close()
	switch {
	case err != nil:
		return answer{}, err
	case len(body) > most:
		return answer{}, &protocolError{closeTooBig, fmt.Sprintf("an answer larger than %d bytes", most)}
	}
	a, err := decodeAnswer(body)
	if err != nil && res.StatusCode != http.StatusOK {
		a, err = answer{Status: res.StatusCode}, nil
	}
	a.retryAfter = retryHeader(res.Header)
	return a, err
}

func decodeAnswer(body []byte) (answer, error) {
	var a answer
	if err := json.Unmarshal(body, &a); err != nil || a.Status == 0 {
		return answer{}, &protocolError{closeInvalid, "an answer to long polling without a status"}
	}
	return a, nil
}
