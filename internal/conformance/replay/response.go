package replay

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// matchResponse compares an HTTP answer with the recorded one: the status, the headers that the protocol gives a
// meaning, and the body as far as it is more than the server's own wording.
func (b *bindings) matchResponse(step *Step, got *Response) error {
	want := step.Response
	if got.Status != want.Status {
		return fmt.Errorf("want HTTP status %d, got %d %s", want.Status, got.Status, clip(got.Body))
	}
	if err := matchHeaders(step, got); err != nil {
		return err
	}
	return b.matchBody(want, got)
}

// meaningful are the headers whose presence, absence and value are compared. Others (date, server, vary, connection,
// content-length, Plug's cache-control) are the server's own.
var meaningful = []string{
	"sec-websocket-accept", "sec-websocket-protocol",
	"access-control-allow-origin", "access-control-allow-headers", "access-control-allow-methods", "access-control-max-age",
}

func matchHeaders(step *Step, got *Response) error {
	want := step.Response
	for _, name := range meaningful {
		w, _ := want.header(name)
		g, _ := got.header(name)
		if w != g {
			return fmt.Errorf("want header %s: %q, got %q", name, w, g)
		}
	}
	if w, _ := want.header("cache-control"); w == "no-store" {
		if g, _ := got.header("cache-control"); g != w {
			return fmt.Errorf("want header cache-control: %q, got %q", w, g)
		}
	}
	if w, ok := want.header("content-type"); ok && !isErrorView(want.Body) {
		if g, _ := got.header("content-type"); g != w {
			return fmt.Errorf("want header content-type: %q, got %q", w, g)
		}
	}
	if want.Status != http.StatusSwitchingProtocols {
		return nil
	}
	upgrade, _ := got.header("upgrade")
	connection, _ := got.header("connection")
	if !strings.EqualFold(upgrade, "websocket") || !strings.EqualFold(connection, "upgrade") {
		return fmt.Errorf("want headers upgrade: websocket and connection: Upgrade, got %q and %q", upgrade, connection)
	}
	return matchExtensions(step, got)
}

// matchExtensions wants the same extension as in the recording, with parameters that answer the client's offer
// (RFC 7692, section 7.1). Which of the allowed ones a server chooses is its own affair.
func matchExtensions(step *Step, got *Response) error {
	w, _ := step.Response.header("sec-websocket-extensions")
	g, _ := got.header("sec-websocket-extensions")
	wantName, _ := extension(w)
	name, params := extension(g)
	if name != wantName {
		return fmt.Errorf("want extension %q, got %q", w, g)
	}
	text, _ := step.Headers["sec-websocket-extensions"].(string)
	_, offer := extension(text)
	for param, value := range params {
		_, offered := offer[param]
		bits, err := strconv.Atoi(value)
		switch {
		case strings.HasSuffix(param, "_no_context_takeover") && value == "":
		case param == "server_max_window_bits" && err == nil && 8 <= bits && bits <= 15:
		case param == "client_max_window_bits" && err == nil && 8 <= bits && bits <= 15 && offered:
		default:
			return fmt.Errorf("%q does not answer the offer %q", g, text)
		}
	}
	if _, ok := params["server_no_context_takeover"]; !ok && has(offer, "server_no_context_takeover") {
		return fmt.Errorf("%q ignores the offer %q", g, text)
	}
	if most, ok := offer["server_max_window_bits"]; ok && name != "" {
		limit, _ := strconv.Atoi(most)
		if bits, _ := strconv.Atoi(params["server_max_window_bits"]); bits == 0 || bits > limit {
			return fmt.Errorf("%q ignores the offer %q", g, text)
		}
	}
	return nil
}

func has(params map[string]string, name string) bool {
	_, ok := params[name]
	return ok
}

// extension splits "name; param; param=value".
func extension(header string) (name string, params map[string]string) {
	name, rest, _ := strings.Cut(header, ";")
	params = map[string]string{}
	for p := range strings.SplitSeq(rest, ";") {
		key, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		if key != "" {
			params[key] = strings.Trim(value, `"`)
		}
	}
	return strings.TrimSpace(name), params
}

// quotedHeader finds the header that a refused upgrade complains of: 'connection' header must contain 'upgrade'.
var quotedHeader = regexp.MustCompile(`^'([a-z-]+)' header`)

func (b *bindings) matchBody(want, got *Response) error {
	switch header := quotedHeader.FindStringSubmatch(want.Body); {
	case isErrorView(want.Body) || want.Status == http.StatusNotFound:
		return nil
	case header != nil:
		if !strings.Contains(strings.ToLower(got.Body), header[1]) {
			return fmt.Errorf("want a body that names the header %s, got %q", header[1], got.Body)
		}
		return nil
	case want.Status == http.StatusBadRequest:
		return nil
	case strings.HasPrefix(want.Body, "{"):
		return b.matchPoll(want.Body, got.Body)
	case want.Body != got.Body:
		return fmt.Errorf("want body %q, got %q", want.Body, clip(got.Body))
	}
	return nil
}

// isErrorView recognizes what Phoenix's default view says of an error; its wording is not part of the protocol.
func isErrorView(body string) bool { return strings.HasPrefix(body, `{"errors":`) }

// matchPoll compares the body of a long-poll answer; its messages are texts that are JSON in turn.
func (b *bindings) matchPoll(wantBody, gotBody string) error {
	want, err := parse(wantBody)
	if err != nil {
		return fmt.Errorf("the recording: %w", err)
	}
	got, err := parse(gotBody)
	if err != nil {
		return err
	}
	w, ok1 := want.(map[string]any)
	g, ok2 := got.(map[string]any)
	if !ok1 || !ok2 {
		return fmt.Errorf("body%w", differ(wantBody, gotBody))
	}
	wantTexts, ok1 := w["messages"].([]any)
	gotTexts, ok2 := g["messages"].([]any)
	if ok1 != ok2 {
		return fmt.Errorf("body%w", differ(wantBody, gotBody))
	}
	delete(w, "messages")
	delete(g, "messages")
	if err := b.match(w, g); err != nil {
		return fmt.Errorf("body%w", err)
	}
	return b.matchMessages(wantTexts, gotTexts)
}

// matchMessages compares the messages of one poll in order, as far as the order is fixed.
func (b *bindings) matchMessages(wantTexts, gotTexts []any) error {
	values, err := parseAll(wantTexts)
	if err != nil {
		return fmt.Errorf("the recording: %w", err)
	}
	got, err := parseAll(gotTexts)
	if err != nil {
		return err
	}
	var want []expectation
	for _, v := range values {
		want = append(want, expectation{value: v})
	}
	for i, g := range got {
		found, err := b.pick(want, g)
		if err != nil {
			return fmt.Errorf("messages[%d]%w", i, err)
		}
		for _, at := range slices.Backward(found) {
			want = slices.Delete(want, at, at+1)
		}
	}
	if len(want) > 0 {
		return fmt.Errorf("messages: %d are missing, the first %s", len(want), clip(fmt.Sprint(want[0].value)))
	}
	return nil
}

func parseAll(texts []any) ([]any, error) {
	var values []any
	for _, text := range texts {
		s, ok := text.(string)
		if !ok {
			return nil, fmt.Errorf("a message is not a string: %v", text)
		}
		v, err := parse(s)
		if err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	return values, nil
}
