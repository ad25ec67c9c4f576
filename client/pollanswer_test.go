package client

import (
	"encoding/json/v2"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// FuzzAnswer looks for answers to long polling that panic, that are neither an answer nor an error, or that do not come back as they were.
func FuzzAnswer(f *testing.F) {
	f.Add(200, `{"messages":["[null,null,\"t\",\"e\",{}]","x"],"status":200,"token":"abc"}`)
	f.Add(200, `{"status":410,"token":"t","messages":[]}`)
	f.Add(503, `{"status":500}`)
	f.Add(504, `<html>`)
	f.Add(200, `{"status":200,"messages":["\ud800"]}`)
	f.Fuzz(func(t *testing.T, status int, body string) {
		const most = 1000
		a, err := readAnswer(&http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(body))}, most)
		switch {
		case err != nil && a.Status != 0:
			t.Errorf("an answer with an error: %v, %v", a, err)
		case err != nil && status != http.StatusOK && len(body) < most:
			t.Errorf("an answer of HTTP %d says nothing: %v", status, err)
		case err != nil:
			return
		}
		again, err := json.Marshal(a)
		if err != nil {
			t.Fatalf("%v does not encode: %v", a, err)
		}
		b, err := decodeAnswer(again)
		if a.Status != 0 && (err != nil || b.Status != a.Status || b.Token != a.Token || !slices.Equal(b.Messages, a.Messages)) {
			t.Errorf("%v came back as %v, %v", a, b, err)
		}
	})
}
